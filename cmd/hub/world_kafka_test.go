package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/mocks/samples"
	"kandashub/topics"
	"kandashub/topics/servertest"
)

// ends returns where each partition of the topics ends.
func (w *world) ends(names ...string) map[string]map[int]int64 {
	w.t.Helper()
	ask := map[string][]kafka.OffsetRequest{}
	for _, name := range names {
		t, _ := w.contract.Topic(name)
		for p := range t.PartitionsOr(w.partitions) {
			ask[name] = append(ask[name], kafka.LastOffsetOf(p))
		}
	}
	resp, err := w.cluster.Client.ListOffsets(w.t.Context(), &kafka.ListOffsetsRequest{Topics: ask})
	if err != nil {
		w.t.Fatal(err)
	}
	found := map[string]map[int]int64{}
	for name, partitions := range resp.Topics {
		found[name] = map[int]int64{}
		for _, p := range partitions {
			if p.Error != nil {
				w.t.Fatalf("%s/%d: %v", name, p.Partition, p.Error)
			}
			found[name][p.Partition] = p.LastOffset
		}
	}
	return found
}

// records returns what has been written to a topic since the world was made,
// in the order of each partition.
func (w *world) records(topic string) (found []*topics.Record) {
	w.t.Helper()
	for p, end := range w.ends(topic)[topic] {
		for next := w.began[topic][p]; next < end; {
			resp, err := w.cluster.Client.Fetch(w.t.Context(), &kafka.FetchRequest{
				Topic: topic, Partition: p, Offset: next, MinBytes: 1, MaxBytes: 8 << 20, MaxWait: time.Second,
			})
			if err == nil {
				err = resp.Error
			}
			if err != nil {
				w.t.Fatalf("reading %s/%d: %v", topic, p, err)
			}
			before := next
			for {
				r, err := resp.Records.ReadRecord()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					w.t.Fatal(err)
				}
				if r.Offset >= next {
					found = append(found, recordOf(w, topic, p, r))
					next = r.Offset + 1
				}
			}
			if next == before {
				break // control records only
			}
		}
	}
	return found
}

func recordOf(w *world, topic string, partition int, r *kafka.Record) *topics.Record {
	w.t.Helper()
	key, err := kafka.ReadAll(r.Key)
	if err != nil {
		w.t.Fatal(err)
	}
	value, err := kafka.ReadAll(r.Value)
	if err != nil {
		w.t.Fatal(err)
	}
	return &topics.Record{Topic: topic, Partition: partition, Offset: r.Offset, Time: r.Time, Key: key, Value: value, Headers: r.Headers}
}

// recordsOf are the records of one key, of a kind on parked and dead topics; ""
// for all.
func (w *world) recordsOf(topic, key, kind string) (found []*topics.Record) {
	w.t.Helper()
	for _, r := range w.records(topic) {
		if string(r.Key) == key && (kind == "" || headerOf(r, "hub_kind") == kind) {
			found = append(found, r)
		}
	}
	return found
}

func headerOf(r *topics.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// append writes one record to the partition of its key, as any client may.
func (w *world) append(topic string, key, value []byte, compression kafka.Compression, headers ...kafka.Header) {
	w.t.Helper()
	resp, err := w.cluster.Client.Produce(w.t.Context(), &kafka.ProduceRequest{
		Topic: topic, Partition: topics.PartitionOf(key, w.partitions), RequiredAcks: kafka.RequireAll, Compression: compression,
		Records: kafka.NewRecordReader(kafka.Record{Key: kafka.NewBytes(key), Value: kafka.NewBytes(value), Headers: headers, Time: time.Now()}),
	})
	if err == nil {
		err = resp.Error
	}
	if err != nil {
		w.t.Fatalf("writing to %s: %v", topic, err)
	}
}

// publish writes a message as a system with Kafka does.
func (w *world) publish(topic string, m topics.Message) {
	w.t.Helper()
	w.append(topic, []byte(m.Subject), m.Data, 0, m.Headers()...)
}

// awaitCommitted waits until every route has committed all that lies in its
// topics: everything read is finished.
func (w *world) awaitCommitted() {
	w.t.Helper()
	for _, r := range routes {
		w.awaitCommittedBy(r.name)
	}
}

func (w *world) awaitCommittedBy(route string) {
	w.t.Helper()
	var lag int64
	servertest.Eventually(w.t, "route "+route+" has committed everything", func() bool {
		lag = w.lag(route)
		return lag == 0
	})
}

// lag is how many records of a route's sources are not finished; -1 if nobody
// can say.
func (w *world) lag(name string) (lag int64) {
	w.t.Helper()
	i := slices.IndexFunc(routes, func(r route) bool { return r.name == name })
	ask := map[string][]int{}
	for _, t := range routes[i].reads {
		for p := range w.partitions {
			ask[t] = append(ask[t], p)
		}
	}
	committed, err := w.cluster.Client.OffsetFetch(w.t.Context(), &kafka.OffsetFetchRequest{GroupID: "hub." + name, Topics: ask})
	if err != nil || committed.Error != nil {
		return -1
	}
	ends := w.ends(routes[i].reads...)
	for t, partitions := range committed.Topics {
		for _, p := range partitions {
			if p.Error != nil {
				return -1
			}
			lag += ends[t][p.Partition] - max(0, p.CommittedOffset)
		}
	}
	return lag
}

// application returns a complete form filed at a channel, of people whom the
// register knows, under an id of its own.
func (w *world) application(channel string) *samples.Application {
	w.t.Helper()
	f := w.flow("filed-" + channel)
	a := *f.Applications[0]
	a.ApplicationID = servertest.Unique(channel + "-")
	return &a
}

// inPartition returns an application whose id falls into a partition.
func (w *world) inPartition(channel string, partition int) *samples.Application {
	w.t.Helper()
	for {
		a := w.application(channel)
		if topics.PartitionOf([]byte(a.ApplicationID), w.partitions) == partition {
			return a
		}
	}
}

// filed is the event by which an application is submitted.
func (w *world) filed(a *samples.Application) topics.Message {
	w.t.Helper()
	channel, _, _ := strings.Cut(a.ApplicationID, "-")
	return w.event(channel, "kz."+channel+".application.submitted.v1", a.ApplicationID, a)
}

func (w *world) event(source, ceType, application string, data any) topics.Message {
	w.t.Helper()
	b, err := json.Marshal(data)
	if err != nil {
		w.t.Fatal(err)
	}
	return topics.Message{ID: servertest.Unique("id-"), Type: ceType, Source: source, Subject: application, Time: time.Now(), Data: b}
}

// quietly keeps kandas from going on with an application once it is registered,
// so that a test has it for itself.
func (w *world) quietly(a *samples.Application) *samples.Application {
	w.t.Helper()
	w.drive("kandas", http.MethodPut, "/_scripts/"+a.ApplicationID, samples.Script{Officer: "wait", Withdraw: "withdrawn"})
	return a
}

// A callLog counts the calls that a system gets.
type callLog struct {
	mu      sync.Mutex
	bodies  []string       // path and body of each call
	running map[string]int // by path
	most    map[string]int // calls at once, by path

	// instead, where set, answers in place of the system.
	instead http.HandlerFunc
}

// answer has f answer in place of the system; nil for the system itself.
func (c *callLog) answer(f http.HandlerFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.instead = f
}

func (c *callLog) wrap(next http.Handler) http.Handler {
	c.running, c.most = map[string]int{}, map[string]int{}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the caller has gone
		}
		c.mu.Lock()
		c.bodies = append(c.bodies, r.URL.Path+" "+string(body))
		c.running[r.URL.Path]++
		c.most[r.URL.Path] = max(c.most[r.URL.Path], c.running[r.URL.Path])
		instead := c.instead
		c.mu.Unlock()
		defer func() {
			c.mu.Lock()
			c.running[r.URL.Path]--
			c.mu.Unlock()
		}()
		r.Body = io.NopCloser(bytes.NewReader(body))
		if instead != nil {
			instead(rw, r)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

// with counts the calls that hold all of the words.
func (c *callLog) with(words ...string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.bodies {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(b, word) }) {
			n++
		}
	}
	return n
}

// restart counts the calls of a path at once anew, and returns how many there
// were before.
func (c *callLog) restart(path string) (most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	most, c.most[path] = c.most[path], c.running[path]
	return most
}

// logLines is all that a hub has logged.
type logLines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func (l *logLines) tail(n int) string {
	lines := strings.Split(strings.TrimSpace(l.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// lines are the lines about an application, as JSON objects.
func (w *world) lines(application string) (found []map[string]any) {
	w.t.Helper()
	for line := range strings.Lines(w.log.String()) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			w.t.Fatalf("not a line of JSON: %s", line)
		}
		if fmt.Sprint(l["application"]) == application {
			found = append(found, l)
		}
	}
	return found
}
