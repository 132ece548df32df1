package broker

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A Fault makes the broker answer requests with an error. All that is said must
// match; what is empty matches everything that carries such a thing, so a fault
// with a topic never strikes a heartbeat.
//
// The request is refused and nothing is done, except with REQUEST_TIMED_OUT (of
// Produce, OffsetCommit, CreateTopics and the like) and with
// NOT_ENOUGH_REPLICAS_AFTER_APPEND (of Produce): there the work is done and then
// the error is told.
type Fault struct {
	Keys       []string `json:"keys,omitempty"` // of requests, as Produce, Fetch, OffsetCommit, JoinGroup
	Nodes      []int32  `json:"nodes,omitempty"`
	Topic      string   `json:"topic,omitempty"`
	Partitions []int32  `json:"partitions,omitempty"`
	Group      string   `json:"group,omitempty"`
	TopLevel   bool     `json:"top_level,omitempty"` // the whole request fails, not its entities
	Error      string   `json:"error"`               // as NOT_LEADER_FOR_PARTITION
	Times      int      `json:"times,omitempty"`     // how many requests; 0: until it is removed
}

// kfake turns a fault into the words of the library.
func (f Fault) kfake() (kfake.Fault, error) {
	out := kfake.Fault{
		Nodes: f.Nodes, Topic: f.Topic, Partitions: f.Partitions, Group: f.Group, TopLevel: f.TopLevel, Count: f.Times,
	}
	if f.Times == 0 {
		out.Count = -1
	}
	for _, name := range f.Keys {
		key, ok := keyNamed(name)
		if !ok {
			return out, fmt.Errorf("no kind of request is named %q", name)
		}
		out.Keys = append(out.Keys, key)
	}
	if out.Err = errorNamed(f.Error); out.Err == nil {
		return out, fmt.Errorf("no error of Kafka is named %q", f.Error)
	}
	return out, nil
}

func keyNamed(name string) (kmsg.Key, bool) {
	for k := range int16(kmsg.MaxKey + 1) {
		if kmsg.NameForKey(k) == name {
			return kmsg.Key(k), true
		}
	}
	return 0, false
}

// lastCode is beyond the codes that Kafka knows.
const lastCode = 200

func errorNamed(name string) *kerr.Error {
	for code := int16(-1); code < lastCode; code++ {
		if e := kerr.TypedErrorForCode(code); e != nil && e.Code == code && e.Message == name {
			return e
		}
	}
	return nil
}

// admin is the API of the faults:
//
//	POST /faults         sets a Fault, answers {"id": 1}
//	GET /faults/{id}     answers {"hits": n}: how many requests it has struck
//	DELETE /faults/{id}  removes it, answers {"hits": n}
//	DELETE /faults       removes all
//	POST /leader         {"topic", "partition", "node"}: that node leads now
//	POST /coordinators   groups have other coordinators
type admin struct {
	cluster *kfake.Cluster

	mu     sync.Mutex
	last   int
	faults map[int]*kfake.FaultHandle
}

// leader is a move of a partition to another broker; nodes count from 0.
type leader struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Node      int32  `json:"node"`
}

type (
	faultID struct {
		ID int `json:"id"`
	}
	faultHits struct {
		Hits int `json:"hits"`
	}
)

func newAdmin(c *kfake.Cluster) http.Handler {
	a := &admin{cluster: c, faults: make(map[int]*kfake.FaultHandle)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /faults", a.set)
	mux.HandleFunc("GET /faults/{id}", a.hits)
	mux.HandleFunc("DELETE /faults/{id}", a.remove)
	mux.HandleFunc("DELETE /faults", a.removeAll)
	mux.HandleFunc("POST /leader", a.lead)
	mux.HandleFunc("POST /coordinators", func(w http.ResponseWriter, _ *http.Request) {
		c.RehashCoordinators()
		answer(w, struct{}{})
	})
	return mux
}

func (a *admin) set(w http.ResponseWriter, r *http.Request) {
	var f Fault
	if !read(w, r, &f) {
		return
	}
	fault, err := f.kfake()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	a.faults[a.last] = a.cluster.Fault(fault)
	answer(w, faultID{a.last})
}

func (a *admin) hits(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, h, ok := a.find(w, r); ok {
		answer(w, faultHits{h.Hits()})
	}
}

func (a *admin) remove(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if id, h, ok := a.find(w, r); ok {
		h.Remove()
		delete(a.faults, id)
		answer(w, faultHits{h.Hits()})
	}
}

func (a *admin) removeAll(w http.ResponseWriter, _ *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, h := range a.faults {
		h.Remove()
	}
	clear(a.faults)
	answer(w, struct{}{})
}

// find returns the fault that the path names. The caller holds mu.
func (a *admin) find(w http.ResponseWriter, r *http.Request) (int, *kfake.FaultHandle, bool) {
	id, err := strconv.Atoi(r.PathValue("id"))
	h, ok := a.faults[id]
	if err != nil || !ok {
		http.Error(w, "no such fault", http.StatusNotFound)
		return 0, nil, false
	}
	return id, h, true
}

func (a *admin) lead(w http.ResponseWriter, r *http.Request) {
	var l leader
	if !read(w, r, &l) {
		return
	}
	if err := a.cluster.MoveTopicPartition(l.Topic, l.Partition, l.Node); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer(w, struct{}{})
}

// maxBody is the largest request that is read, in bytes.
const maxBody = 64 << 10

func read(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v) //nolint:errcheck // the caller may have gone
}
