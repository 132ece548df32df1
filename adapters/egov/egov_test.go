package egov_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kandashub/adapters"
	"kandashub/adapters/egov"
	"kandashub/adapters/shep"
	"kandashub/mocks"
	mock "kandashub/mocks/egov"
	"kandashub/topics"
	"kandashub/topics/payload"
)

const app = "egov-test-1"

// written is one message that the hub would write.
type written struct {
	Topic string
	topics.Message
}

// world is the mock of egov.kz and a hub that serves SHEP, each on its own
// port.
type world struct {
	system  *mocks.System
	url     string
	adapter *egov.Adapter

	mu      sync.Mutex
	refuse  int // how many requests the hub answers with a Server fault first
	written []written
	changed chan struct{}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{changed: make(chan struct{}, 100)}
	hub := httptest.NewServer(shep.NewServer(shep.Config{
		Senders: map[string]shep.Account{"egov": {System: "egov", Password: "secret"}},
		Accept:  w.accept,
	}))
	t.Cleanup(hub.Close)
	s, err := mock.New(mocks.Env{Dir: t.TempDir(), Seed: 1, HubURL: hub.URL, HubToken: "secret", Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Ledger.Close() })
	w.system = s
	gateway := httptest.NewServer(s.Handler)
	t.Cleanup(gateway.Close)
	w.url = gateway.URL
	w.adapter, err = egov.New(egov.Config{HTTP: adapters.Config{URL: gateway.URL}, Sender: shep.Sender{ID: "hub", Password: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) accept(_ context.Context, in shep.Incoming) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse > 0 {
		w.refuse--
		return errors.New("kafka is away")
	}
	topic, m, ok, err := w.adapter.Incoming(in)
	if err != nil || !ok {
		return err
	}
	w.written = append(w.written, written{topic, m})
	w.changed <- struct{}{}
	return nil
}

// wait returns what the hub has written once there are n messages.
func (w *world) wait(t *testing.T, n int) []written {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		w.mu.Lock()
		got := append([]written(nil), w.written...)
		w.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-w.changed:
		case <-deadline:
			t.Fatalf("%d messages, want %d", len(got), n)
		}
	}
}

func (w *world) post(t *testing.T, path string, body any) *http.Response {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(w.url+path, "application/json", strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

func notification(kind string, edit func(*payload.Event)) payload.Notification {
	n := payload.Notification{
		ApplicationID: app, Recipient: "egov", Kind: kind, EventID: "e-1",
		Event: payload.Event{ApplicationID: app, IssuedAt: "2026-04-06T10:00:00+05:00", Text: payload.Text{KK: "Өтініш тіркелді", RU: "Заявление зарегистрировано"}},
	}
	edit(&n.Event)
	return n
}

func registered() payload.Notification {
	return notification("registered", func(e *payload.Event) {
		e.Registration = &payload.Registration{Number: "K-1", Date: "2026-04-06"}
	})
}

func TestEveryKindReachesTheCabinet(t *testing.T) {
	w := newWorld(t)
	sig := &payload.Signature{Format: "xml", Value: mocks.SignXML("<a>\r\n<b c=\"&quot;\"/></a>")}
	kinds := []payload.Notification{
		registered(),
		notification("package-refused", func(e *payload.Event) {
			e.Signature, e.PackageRefusal = sig, &payload.PackageRefusal{Number: "R-1", Date: "2026-04-06"}
		}),
		notification("recommended", func(e *payload.Event) {
			e.Recommendation = &payload.Recommendation{Result: "assign", Date: "2026-04-07"}
		}),
		notification("hearing-set", func(e *payload.Event) {
			e.Signature, e.Hearing = sig, &payload.Hearing{Place: "Астана", Grounds: []string{"3"}, At: "2026-04-08T09:00:00+05:00"}
		}),
		notification("decided", func(e *payload.Event) {
			e.Signature, e.Decision = sig, &payload.Decision{Result: "refuse", Grounds: []string{"3", "19-1"}, Number: "D-1", Date: "2026-04-09"}
		}),
		notification("certificate-issued", func(e *payload.Event) { e.Signature, e.Certificate = sig, &payload.Certificate{Number: "C-1"} }),
	}
	var want []string
	for i, n := range kinds {
		notice := topics.NoticeID(app, topics.DeriveID("event", n.Kind))
		if _, err := w.adapter.Notify(t.Context(), notice, "", n); err != nil {
			t.Fatalf("%s: %v", n.Kind, err)
		}
		want = append(want, n.Kind)
		// The gateway tells the hub of the delivery by a callback.
		got := w.wait(t, i+1)[i]
		if got.Topic != egov.TopicReceipts || got.Type != payload.TypeEgovReceipt || got.Subject != app || got.ID != topics.DeriveID("delivery", notice, "delivered") {
			t.Errorf("%s: wrote %s %+v", n.Kind, got.Topic, got.Message)
		}
	}
	var kindsShown []string
	for _, e := range w.system.Ledger.Effects() {
		if e.Operation == "notify" {
			kindsShown = append(kindsShown, e.Detail)
		}
	}
	want[3], want[4] = "hearing-set, grounds (3)", "decided, grounds (3, 19-1)"
	if d := cmp.Diff(want, kindsShown); d != "" {
		t.Error(d)
	}
}

func TestAskAfterAnUnclearOutcome(t *testing.T) {
	w := newWorld(t)
	notice := topics.NoticeID(app, "0123456789abcdef")

	t.Run("the answer was lost, the effect was not", func(t *testing.T) {
		w.system.Faults.Set(mocks.Fault{Operation: "sendMessage", Times: 1, Reset: true})
		_, err := w.adapter.Notify(t.Context(), notice, "", registered())
		if f := topics.FailureOf(err); err == nil || f.Class != topics.Uncertain {
			t.Fatalf("got %v", err)
		}
		state, arrived, err := w.adapter.Ask(t.Context(), notice, time.Now())
		if err != nil || !arrived {
			t.Errorf("got %q, %v, %v", state, arrived, err)
		}
	})
	t.Run("it never arrived", func(t *testing.T) {
		lost := topics.NoticeID(app, "fedcba9876543210")
		w.system.Faults.Set(mocks.Fault{Operation: "sendMessage", Times: 1, SOAPFault: "Server"})
		_, err := w.adapter.Notify(t.Context(), lost, "", registered())
		if f := topics.FailureOf(err); err == nil || f.Class != topics.Uncertain {
			t.Fatalf("got %v", err)
		}
		if _, arrived, err := w.adapter.Ask(t.Context(), lost, time.Now()); err != nil || arrived {
			t.Errorf("got %v, %v", arrived, err)
		}
	})
	t.Run("no answer to the question", func(t *testing.T) {
		w.system.Faults.Set(mocks.Fault{Operation: "getMessageStatus", Times: 1, SOAPFault: "Client"})
		_, _, err := w.adapter.Ask(t.Context(), notice, time.Now())
		if f := topics.FailureOf(err); err == nil || f.Class != topics.Unavailable {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a blind repeat would be a second notice", func(t *testing.T) {
		before := len(w.system.Ledger.Effects())
		for range 2 {
			if _, err := w.adapter.Notify(t.Context(), topics.NoticeID(app, "00000000000000aa"), "", registered()); err != nil {
				t.Fatal(err)
			}
		}
		n := 0
		for _, e := range w.system.Ledger.Effects()[before:] {
			if e.Operation == "notify" && !e.Repeat {
				n++
			}
		}
		if n != 2 {
			t.Errorf("%d effects: the mock must show what C2 means", n)
		}
	})
}

func application(id string) payload.Application {
	return payload.Application{
		ApplicationID: id, Service: "kandas.assign", FiledAt: "2026-04-06T10:00:00+05:00", Provider: "МИО Астана",
		Applicant: payload.Applicant{
			Person: payload.Person{Ref: "p0", Surname: "О'Қасым-ұлы", Name: "Әбіл", BirthDate: "1896-02-29", Sex: "male", Citizenship: "MNG",
				Document: &payload.Document{Kind: "passport", Number: "E0000001"}},
			Address: "Өлгий & <1>", Contacts: payload.Contacts{Phone: "+7 701 000 00 00"},
		},
		Family: []payload.Person{
			{Ref: "p1", Name: "Гүл", BirthDate: "1899", Sex: "female", Citizenship: "XXA", Kinship: "spouse"},
			{Ref: "p2", Name: "Ән", BirthDate: "1899-05", Sex: "male", Citizenship: "MNG", Kinship: "son"},
		},
		Purpose:     payload.Purpose{Kind: "region", Region: &payload.Place{Region: "Абай"}},
		Consent:     payload.Consent{Given: true, At: "2026-04-06T10:00:00+05:00"},
		Attachments: []payload.Attachment{{Kind: "autobiography", File: "f-1", SHA256: strings.Repeat("0", 64)}},
	}
}

func TestFiledApplicationsArrive(t *testing.T) {
	w := newWorld(t)
	w.mu.Lock()
	w.refuse = 2 // the gateway repeats with the same id
	w.mu.Unlock()
	ids := []string{"egov-a", "egov-b", "egov-c", "egov-d", "egov-e", "egov-f"}
	for _, id := range ids {
		if resp := w.post(t, "/_file", application(id)); resp.StatusCode != http.StatusAccepted {
			t.Fatalf("status %d", resp.StatusCode)
		}
	}
	got := map[string]written{}
	for _, m := range w.wait(t, len(ids)) {
		got[m.Subject] = m
	}
	channels := map[string]bool{}
	for _, e := range w.system.Ledger.Effects() {
		if e.Operation != "file" {
			continue
		}
		channels[e.Detail] = true
		m := got[e.Application]
		if m.Topic != egov.TopicApplications || m.Type != payload.TypeEgovSubmitted || m.Source != "egov" || m.ID != e.ID || m.Time.IsZero() {
			t.Errorf("%s: wrote %s %+v", e.Application, m.Topic, m.Message)
			continue
		}
		var a payload.Application
		if err := m.Decode(&a); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(application(e.Application), a); d != "" {
			t.Error(d)
		}
	}
	if len(channels) != 2 {
		t.Errorf("filed through %v, want both channels", channels)
	}
}

func TestCallbacksTwiceAndNotDelivered(t *testing.T) {
	w := newWorld(t)
	if resp := w.post(t, "/_not-delivered?times=1", nil); resp.StatusCode != http.StatusNoContent {
		t.Fatalf("status %d", resp.StatusCode)
	}
	w.system.Faults.Set(mocks.Fault{Operation: "changeMassageStatusNotification", DuplicateCallbacks: 1, CallbackDelayMS: 20})
	if _, err := w.adapter.Notify(t.Context(), topics.NoticeID(app, "0123456789abcdef"), "", registered()); err != nil {
		t.Fatal(err)
	}
	got := w.wait(t, 2)
	if got[0].ID != got[1].ID || string(got[0].Data) != string(got[1].Data) || !strings.Contains(string(got[0].Data), "not-delivered") {
		t.Errorf("wrote %s and %s", got[0].Data, got[1].Data)
	}
}

func TestWhatIsNotTaken(t *testing.T) {
	a, err := egov.New(egov.Config{HTTP: adapters.Config{URL: "http://127.0.0.1:1"}, Sender: shep.Sender{ID: "hub"}})
	if err != nil {
		t.Fatal(err)
	}
	const secret = "Нұрланов"
	for name, data := range map[string]string{
		"no data":             `<x/>`,
		"another document":    `<x><data><receipt><a>1</a></receipt></data></x>`,
		"two documents":       `<x><data><application/><application/></data></x>`,
		"an unknown field":    `<x><data><application><application_id>egov-1</application_id><password>` + secret + `</password></application></data></x>`,
		"a field twice":       `<x><data><application><application_id>egov-1</application_id><application_id>` + secret + `</application_id></application></data></x>`,
		"a number that is no": `<x><data><application><application_id>egov-1</application_id><purpose><employer><years>` + secret + `</years></employer></purpose></application></data></x>`,
	} {
		t.Run(name, func(t *testing.T) {
			root, err := shep.Parse([]byte(data))
			if err != nil {
				t.Fatal(err)
			}
			in := shep.Incoming{Operation: shep.OpSend, MessageID: "m", Data: root.SelectElement("data")}
			_, _, ok, err := a.Incoming(in)
			if f := topics.FailureOf(err); err == nil || ok || f.Class != topics.Rejected || strings.Contains(err.Error(), secret) {
				t.Errorf("got %v, %v", ok, err)
			}
		})
	}
	if _, err := a.Notify(t.Context(), "n", "", notification("registered", func(*payload.Event) {})); topics.FailureOf(err).Class != topics.Rejected {
		t.Errorf("a notice of nothing: %v", err)
	}
}

func TestNewNeedsItsSettings(t *testing.T) {
	if _, err := egov.New(egov.Config{HTTP: adapters.Config{URL: "http://127.0.0.1:1"}}); err == nil {
		t.Error("no sender id, and no error")
	}
	if _, err := egov.New(egov.Config{HTTP: adapters.Config{URL: "nonsense"}, Sender: shep.Sender{ID: "hub"}}); err == nil {
		t.Error("no URL, and no error")
	}
}
