package kandas

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"kandashub/mocks"

	"github.com/twmb/franz-go/pkg/kfake"
)

// A world is one running fake with its Kafka and what was read from it.
type world struct {
	t      *testing.T
	system *mocks.System
	out    *contour // what the hub would write

	mu       sync.Mutex
	changed  chan struct{}
	events   []event
	ids      []string
	requests []iinRequest
}

func newWorld(t *testing.T) *world {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, topicEvents, topicIINRequests, topicRejections))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	system, err := New(mocks.Env{Dir: t.TempDir(), Seed: 1, Kafka: cluster.ListenAddrs(), Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, system: system, out: newContour(cluster.ListenAddrs(), t.Logf), changed: make(chan struct{})}
	system.Ledger.Watch(func(mocks.Effect) { w.update(func() {}) })
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { system.Run(ctx) })
	wg.Go(func() { w.out.read(ctx, topicEvents, w.event) })
	wg.Go(func() { w.out.read(ctx, topicIINRequests, w.request) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		w.out.close()
		system.Ledger.Close()
	})
	return w
}

func (w *world) update(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *world) event(id string, value []byte) {
	var e event
	if err := json.Unmarshal(value, &e); err != nil {
		w.t.Errorf("event: %v", err)
	}
	w.update(func() { w.events, w.ids = append(w.events, e), append(w.ids, id) })
}

func (w *world) request(id string, value []byte) {
	var r iinRequest
	if err := json.Unmarshal(value, &r); err != nil || r.RequestID != id {
		w.t.Errorf("request %s: %v, request_id %s", id, err, r.RequestID)
	}
	w.update(func() { w.requests = append(w.requests, r) })
}

// until waits for something that the topics or the ledger show.
func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		w.mu.Lock()
		ok, changed := holds(), w.changed
		w.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			w.t.Fatalf("waited in vain for: %s; the ledger says %v", what, w.operations(""))
		}
	}
}

// operations are the effects of an application (or of all) that are no repeats.
func (w *world) operations(application string) []string {
	var out []string
	for _, e := range w.system.Ledger.Effects() {
		if (application == "" || e.Application == application) && !e.Repeat {
			out = append(out, e.Operation)
		}
	}
	return out
}

func (w *world) seen(application, operation string, n int) {
	w.t.Helper()
	w.until(fmt.Sprintf("%d × %s of %s", n, operation, application), func() bool {
		return count(w.operations(application), operation) >= n
	})
}

func count(all []string, one string) (n int) {
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}

// call sends a request and returns its status and answer.
func (w *world) call(method, path, id string, body any) (int, answer) {
	w.t.Helper()
	raw, ok := body.(string)
	if !ok {
		raw = string(encode(body))
	}
	r := httptest.NewRequest(method, path, strings.NewReader(raw))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Message-ID", id)
	rec := httptest.NewRecorder()
	w.system.Handler.ServeHTTP(rec, r)
	var a answer
	if rec.Code == http.StatusOK {
		if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil {
			w.t.Fatal(err)
		}
	}
	return rec.Code, a
}

func (w *world) post(path, id string, body any) answer {
	w.t.Helper()
	status, a := w.call(http.MethodPost, "/api/v1/"+path, id, body)
	if status != http.StatusOK {
		w.t.Fatalf("%s: HTTP %d", path, status)
	}
	return a
}

func (w *world) script(application string, sc Script) {
	w.t.Helper()
	if status, _ := w.call(http.MethodPut, "/_scripts/"+application, "", sc); status != http.StatusOK {
		w.t.Fatalf("script: HTTP %d", status)
	}
}

// recordIINs waits for the request for IINs and answers it for all persons.
func (w *world) recordIINs(application string, result iinResult) {
	w.t.Helper()
	var request iinRequest
	w.until("the IIN request of "+application, func() bool {
		for _, r := range w.requests {
			if r.ApplicationID == application {
				request = r
			}
		}
		return request.RequestID != ""
	})
	in := iins{ApplicationID: application, RequestID: request.RequestID}
	for _, p := range request.Persons {
		result.Ref = p.Ref
		in.Persons = append(in.Persons, result)
	}
	w.post("iins", "iins-"+application, in)
}

func newForm(id string, change ...func(*form)) form {
	f := form{ApplicationID: id, Service: "kandas.assign", Provider: "Үлгі"}
	f.Applicant.person = person{
		Ref: "p0", Surname: "Үлгіұлы", Name: "Сынақ", BirthDate: "1880-05-01", Sex: "male", Citizenship: "MNG",
		Document: &document{Kind: "passport", Number: "E" + id, ExpiresOn: "2999-01-01"},
	}
	for _, kind := range []string{"autobiography", "id-copy", "ethnicity-proof"} {
		f.Attachments = append(f.Attachments, struct {
			Kind      string `json:"kind"`
			ExpiresOn string `json:"expires_on"`
		}{Kind: kind})
	}
	f.Consent.Given = true
	for _, c := range change {
		c(&f)
	}
	return f
}

func (w *world) ofApplication(id string) (events []event, ids []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, e := range w.events {
		if e.ApplicationID == id {
			events, ids = append(events, e), append(ids, w.ids[i])
		}
	}
	return events, ids
}

// good says whether a signature is there and fits.
func good(s *signature) bool {
	if s == nil {
		return false
	}
	if s.Format == "cms" {
		ok, _ := mocks.VerifyCMS(s.Value, nil)
		return ok
	}
	ok, _ := mocks.VerifyXML(s.Value)
	return ok
}

var found = iinResult{Status: "found", IIN: "800501100018"}
