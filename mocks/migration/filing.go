package migration

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"kandashub/mocks"
)

// The portal waits so long before it repeats what the hub has not accepted.
const (
	firstWait = 50 * time.Millisecond
	lastWait  = time.Second
)

// file takes an application from a person and hands it over to the outbox. An
// application is filed once; filing it again changes nothing.
func (p *portal) file(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, "the application cannot be read", http.StatusBadRequest)
		return
	}
	var form struct {
		ApplicationID string `json:"application_id"`
		Service       string `json:"service"`
	}
	if err := json.Unmarshal(body, &form); err != nil || form.ApplicationID == "" || form.Service == "" {
		http.Error(w, "application_id and service are required", http.StatusBadRequest)
		return
	}
	e := p.outbox.newEvent(form.ApplicationID, body)
	p.mu.Lock()
	repeat := p.filed[form.ApplicationID]
	p.filed[form.ApplicationID] = true
	p.mu.Unlock()
	err = p.ledger.Record(mocks.Effect{
		System: name, Operation: "file", Application: form.ApplicationID, ID: e.id, Detail: form.Service, Repeat: repeat,
	})
	if err != nil {
		http.Error(w, "the ledger cannot be written", http.StatusInternalServerError)
		return
	}
	if !repeat {
		p.outbox.send(e)
	}
	mocks.WriteJSON(w, http.StatusAccepted, map[string]string{"id": e.id})
}

// An event is one CloudEvent for the hub.
type event struct {
	id, application string
	at              time.Time
	body            []byte
}

// An outbox sends events to the hub's intake, each until it is accepted. Events
// of one application go one after the other.
type outbox struct {
	url, token string
	seed       int64
	ledger     *mocks.Ledger
	logf       func(string, ...any)
	client     *http.Client

	mu      sync.Mutex
	waiting map[string][]event // by application; a key is there while it is being sent
	start   func(application string)
}

func newOutbox(env mocks.Env, l *mocks.Ledger) *outbox {
	logf := env.Logf
	if logf == nil {
		logf = func(string, ...any) {}
	}
	return &outbox{
		url: env.HubURL + "/v1/topics/migration.applications/events", token: env.HubToken, seed: env.Seed,
		ledger: l, logf: logf, client: &http.Client{Timeout: 10 * time.Second}, waiting: map[string][]event{},
	}
}

// newEvent gives an application its id, the same each time, so that the hub
// recognises a repeat.
func (o *outbox) newEvent(application string, body []byte) event {
	h := sha256.Sum256([]byte("migration " + strconv.FormatInt(o.seed, 10) + " " + application))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // a UUID of version 8
	id := fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
	return event{id: id, application: application, at: time.Now(), body: body}
}

func (o *outbox) send(e event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, sending := o.waiting[e.application]
	o.waiting[e.application] = append(o.waiting[e.application], e)
	if !sending && o.start != nil {
		o.start(e.application)
	}
}

// run sends what waits and what comes, until ctx ends.
func (o *outbox) run(ctx context.Context) error {
	defer o.client.CloseIdleConnections()
	var wg sync.WaitGroup
	o.mu.Lock()
	o.start = func(application string) { wg.Go(func() { o.sendAll(ctx, application) }) }
	for application := range o.waiting {
		o.start(application)
	}
	o.mu.Unlock()
	<-ctx.Done()
	o.mu.Lock()
	o.start = nil
	o.mu.Unlock()
	wg.Wait()
	return nil
}

// sendAll sends the events of one application in their order.
func (o *outbox) sendAll(ctx context.Context, application string) {
	for {
		o.mu.Lock()
		queue := o.waiting[application]
		if len(queue) == 0 {
			delete(o.waiting, application)
			o.mu.Unlock()
			return
		}
		o.mu.Unlock()
		if !o.deliver(ctx, queue[0]) {
			return // what is left waits for the next run
		}
		o.mu.Lock()
		o.waiting[application] = o.waiting[application][1:]
		o.mu.Unlock()
	}
}

// deliver repeats e, with the same id, until the hub has accepted it or has
// said that it never will. It returns false when ctx ends.
func (o *outbox) deliver(ctx context.Context, e event) bool {
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		status, err := o.post(ctx, e)
		switch {
		case status == http.StatusAccepted:
			return true
		case err == nil && forEver(status):
			o.record(e, status)
			return true
		case ctx.Err() == nil && wait == lastWait:
			o.logf("migration: the hub has not accepted application %s yet: status %d", e.application, status)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return false
		}
	}
}

// forEver says whether a repeat of the same event would meet the same refusal.
func forEver(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

func (o *outbox) record(e event, status int) {
	err := o.ledger.Record(mocks.Effect{
		System: name, Operation: "refused", Application: e.application, ID: e.id, Detail: fmt.Sprintf("the hub answered %d", status),
	})
	if err != nil {
		o.logf("migration: %v", err)
	}
}

func (o *outbox) post(ctx context.Context, e event) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, bytes.NewReader(e.body))
	if err != nil {
		return 0, err
	}
	for k, v := range map[string]string{
		"Authorization":  "Bearer " + o.token,
		"Content-Type":   "application/json",
		"ce-specversion": "1.0",
		"ce-id":          e.id,
		"ce-type":        "kz.migration.application.submitted.v1",
		"ce-source":      name,
		"ce-subject":     e.application,
		"ce-time":        e.at.Format(time.RFC3339Nano),
	} {
		req.Header.Set(k, v)
	}
	resp, err := o.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, err
}
