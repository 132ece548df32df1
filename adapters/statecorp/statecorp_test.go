package statecorp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kandashub/adapters"
	"kandashub/adapters/shep"
	"kandashub/adapters/statecorp"
	"kandashub/mocks"
	mock "kandashub/mocks/statecorp"
	"kandashub/topics"
	"kandashub/topics/payload"
)

const app = "statecorp-test-1"

// written is one message that the hub would write.
type written struct {
	Topic string
	topics.Message
}

// world is the mock of the State Corporation and a hub that serves SHEP.
type world struct {
	system  *mocks.System
	url     string
	adapter *statecorp.Adapter
	written chan written
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{written: make(chan written, 100)}
	hub := httptest.NewServer(shep.NewServer(shep.Config{
		Senders: map[string]shep.Account{"statecorp": {System: "statecorp", Password: "secret"}},
		Accept: func(_ context.Context, in shep.Incoming) error {
			topic, m, ok, err := w.adapter.Incoming(in)
			if err == nil && ok {
				w.written <- written{topic, m}
			}
			return err
		},
	}))
	t.Cleanup(hub.Close)
	s, err := mock.New(mocks.Env{Dir: t.TempDir(), Seed: 1, HubURL: hub.URL, HubToken: "secret", Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Ledger.Close() })
	gateway := httptest.NewServer(s.Handler)
	t.Cleanup(gateway.Close)
	w.system, w.url = s, gateway.URL
	w.adapter, err = statecorp.New(statecorp.Config{HTTP: adapters.Config{URL: gateway.URL}, Sender: shep.Sender{ID: "hub", Password: "x"}})
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

func (w *world) next(t *testing.T) written {
	t.Helper()
	select {
	case m := <-w.written:
		return m
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was written")
		return written{}
	}
}

func (w *world) post(t *testing.T, path, body string) {
	t.Helper()
	resp, err := http.Post(w.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		t.Fatalf("%s: status %d", path, resp.StatusCode)
	}
}

func notification(kind string, edit func(*payload.Event)) payload.Notification {
	n := payload.Notification{
		ApplicationID: app, Recipient: "statecorp", Kind: kind, EventID: "e-1",
		Event: payload.Event{
			ApplicationID: app, IssuedAt: "2026-04-06T10:00:00+05:00", Text: payload.Text{KK: "Хабарлама", RU: "Уведомление"},
			Signature: &payload.Signature{Format: "cms", Value: mocks.SignCMS([]byte("BBB")), Data: "QkJC"},
		},
	}
	edit(&n.Event)
	return n
}

func decision(result string) func(*payload.Event) {
	return func(e *payload.Event) {
		e.Decision = &payload.Decision{Result: result, Number: "D-1", Date: "2026-04-09", MIO: "МИО Астана",
			FullName: "Әбіл О'Қасым-ұлы", BirthDate: "1896-02-29", Sex: "male", Grounds: []string{"1", "19-1"}}
	}
}

func TestEveryEventReachesItsService(t *testing.T) {
	for name, n := range map[string]payload.Notification{
		"registered": notification("registered", func(e *payload.Event) {
			e.Registration = &payload.Registration{Number: "K-1", Date: "2026-04-06"}
		}),
		"package refused": notification("package-refused", func(e *payload.Event) {
			e.PackageRefusal = &payload.PackageRefusal{Number: "R-1", Documents: []string{"autobiography", "id-copy"}}
		}),
		"recommended": notification("recommended", func(e *payload.Event) { e.Recommendation = &payload.Recommendation{Result: "refuse"} }),
		"hearing":     notification("hearing-set", func(e *payload.Event) { e.Hearing = &payload.Hearing{Grounds: []string{"2"}, Place: "Астана"} }),
		"decided":     notification("decided", decision("assign")),
		"certificate": notification("certificate-issued", func(e *payload.Event) { e.Certificate = &payload.Certificate{Number: "C-1"} }),
		"certificate that was asked for": notification("certificate-issued", func(e *payload.Event) {
			e.Certificate = &payload.Certificate{Number: "C-1", RequestID: "q-1", FullName: "Әбіл", ValidFrom: "2026-04-09", ValidTo: "2027-04-08",
				Minors: []payload.Minor{{FullName: "Гүл", BirthDate: "1899-01-01"}}}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			notice := topics.NoticeID(app, "0123456789abcdef")
			if _, err := w.adapter.Notify(t.Context(), notice, "", n); err != nil {
				t.Fatal(err)
			}
			if e := w.system.Ledger.Effects()[0]; e.Operation != "notify" || !strings.HasPrefix(e.Detail, n.Kind) || e.Event != n.EventID || e.Application != app || e.ID != notice {
				t.Errorf("the ledger says %+v", e)
			}
			m := w.next(t)
			if m.Topic != statecorp.TopicReceipts || m.ID != topics.DeriveID("delivery", notice, "delivered") {
				t.Errorf("wrote %s %+v", m.Topic, m.Message)
			}
			if _, arrived, err := w.adapter.Ask(t.Context(), notice, time.Now()); err != nil || !arrived {
				t.Errorf("asked: %v, %v", arrived, err)
			}
			if _, arrived, err := w.adapter.Ask(t.Context(), topics.NoticeID(app, "ffffffffffffffff"), time.Now()); err != nil || arrived {
				t.Errorf("asked about another: %v, %v", arrived, err)
			}
		})
	}
}

// A decision on extension is confirmed twice, by the gateway and by the State
// Corporation's own receipt; both make one message.
func TestExtensionIsConfirmedByAReceipt(t *testing.T) {
	for _, result := range []string{"extend", "refuse-extension"} {
		t.Run(result, func(t *testing.T) {
			w := newWorld(t)
			notice := topics.NoticeID(app, "0123456789abcdef")
			if _, err := w.adapter.Notify(t.Context(), notice, "", notification("decided", decision(result))); err != nil {
				t.Fatal(err)
			}
			a, b := w.next(t), w.next(t)
			if a.Topic != statecorp.TopicReceipts || a.Type != payload.TypeStatecorpReceipt || a.ID != b.ID || string(a.Data) != string(b.Data) || a.Time.IsZero() {
				t.Errorf("wrote %+v and %+v", a, b)
			}
			var d payload.Delivery
			if err := a.Decode(&d); err != nil || d.State != payload.DeliveryDelivered || d.Notice != notice || d.Recipient != "statecorp" {
				t.Errorf("wrote %+v, %v", d, err)
			}
		})
	}
}

func TestCounters(t *testing.T) {
	w := newWorld(t)
	w.post(t, "/_file", `{"application_id":"statecorp-1","service":"kandas.extend","filed_at":"2026-04-06T10:00:00+05:00","provider":"МИО",
		"applicant":{"ref":"p0","name":"Ән","birth_date":"1896","sex":"female","citizenship":"CHN","address":"-","contacts":{}},
		"purpose":{"kind":"study","study":{"university":"U","speciality":"S","from":"2026-01-01","to":"2027-01-01"}},"consent":{"given":true,"at":"2026-04-06T10:00:00+05:00"}}`)
	m := w.next(t)
	var a payload.Application
	if err := m.Decode(&a); err != nil || m.Topic != statecorp.TopicApplications || m.Type != payload.TypeStatecorpSubmitted || m.Source != "statecorp" ||
		m.Subject != "statecorp-1" || a.Purpose.Study == nil || !a.Consent.Given {
		t.Errorf("wrote %s %s, %v", m.Topic, m.Data, err)
	}
	for range 2 { // through either channel
		w.post(t, "/_request-certificate", `{"application_id":"statecorp-1","reason":"lost"}`)
		m = w.next(t)
		var q payload.CertificateRequest
		if err := m.Decode(&q); err != nil || m.Topic != statecorp.TopicCertificateRequests || m.Type != payload.TypeCertRequested ||
			q.ApplicationID != "statecorp-1" || q.RequestID != m.ID || q.Reason != "lost" || q.IIN != "" {
			t.Errorf("wrote %s %s, %v", m.Topic, m.Data, err)
		}
	}
}

func TestWhatIsNotTaken(t *testing.T) {
	a, err := statecorp.New(statecorp.Config{HTTP: adapters.Config{URL: "http://127.0.0.1:1"}, Sender: shep.Sender{ID: "hub"}})
	if err != nil {
		t.Fatal(err)
	}
	const notice = "<notice>statecorp-1.0123456789abcdef</notice>"
	for name, c := range map[string]struct {
		data string
		ok   bool
	}{
		"a receipt":              {"<receipt>" + notice + "<state>not-delivered</state><at>2026-04-06T10:00:00+05:00</at></receipt>", true},
		"nothing":                {"", false},
		"another document":       {"<letter><a>1</a></letter>", false},
		"a state of its own":     {"<receipt>" + notice + "<state>lost</state><at>2026-04-06T10:00:00+05:00</at></receipt>", false},
		"a notice of others":     {"<receipt><notice>x</notice><state>delivered</state><at>2026-04-06T10:00:00+05:00</at></receipt>", false},
		"no time":                {"<receipt>" + notice + "<state>delivered</state></receipt>", false},
		"more than its schema":   {"<receipt>" + notice + "<state>delivered</state><at>2026-04-06T10:00:00+05:00</at><who>x</who></receipt>", false},
		"an odd request":         {"<certificate_request><application_id>a</application_id><x>1</x></certificate_request>", false},
		"an odd application":     {"<application><application_id>a</application_id><x>1</x></application>", false},
		"an application and one": {"<application/><application/>", false},
	} {
		t.Run(name, func(t *testing.T) {
			root, err := shep.Parse([]byte("<x><data>" + c.data + "</data></x>"))
			if err != nil {
				t.Fatal(err)
			}
			_, _, ok, err := a.Incoming(shep.Incoming{Operation: shep.OpSend, MessageID: "m", Data: root.SelectElement("data")})
			if ok != c.ok || (err == nil) != c.ok || err != nil && topics.FailureOf(err).Class != topics.Rejected {
				t.Errorf("got %v, %v", ok, err)
			}
		})
	}
}
