package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"kandashub/mocks/samples"
	"kandashub/topics"
	"kandashub/topics/payload"
	"kandashub/topics/servertest"
)

// post hands a message to the intake as its source would.
func (w *world) post(topic string, m topics.Message, changes ...func(*http.Request)) (status int, h http.Header, body string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "http://"+w.door+"/v1/topics/"+topic+"/events", bytes.NewReader(m.Data))
	if err != nil {
		w.t.Fatal(err)
	}
	for k, v := range map[string]string{
		"Authorization": "Bearer " + w.tokens[m.Source], "Content-Type": "application/json", "traceparent": m.Trace.String(),
		"ce-specversion": "1.0", "ce-id": m.ID, "ce-type": m.Type, "ce-source": m.Source, "ce-subject": m.Subject,
		"ce-time": m.Time.Format(time.RFC3339Nano),
	} {
		if v != "" {
			req.Header.Set(k, v)
		}
	}
	for _, change := range changes {
		change(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	w.heard(string(b))
	return resp.StatusCode, resp.Header, string(b)
}

// accept posts a message that the intake must take.
func (w *world) accept(topic string, m topics.Message) {
	w.t.Helper()
	if status, _, body := w.post(topic, m); status != http.StatusAccepted {
		w.t.Fatalf("status %d: %s", status, body)
	}
}

// expectProblem holds an answer of the intake against RFC 9457 and its code.
func expectProblem(t *testing.T, status int, h http.Header, body string, wantStatus int, code string) {
	t.Helper()
	var p struct {
		Type, Title, Detail string
		Status              int
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil || !strings.HasPrefix(h.Get("Content-Type"), "application/problem+json") {
		t.Fatalf("status %d: no problem+json: %s", status, body)
	}
	if status != wantStatus || p.Status != wantStatus || p.Type != "urn:kandashub:problem:"+code || p.Title == "" || p.Detail == "" {
		t.Errorf("status %d, problem %+v; want %d, %s", status, p, wantStatus, code)
	}
}

// TestIntakeRefusesBadInput sends what can never succeed: an answer names the
// reason, and nothing is written.
func TestIntakeRefusesBadInput(t *testing.T) {
	w := newWorld(t)
	w.start()
	setHeader := func(name, value string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Del(name)
			if value != "" {
				r.Header.Set(name, value)
			}
		}
	}
	for _, c := range []struct {
		name   string
		change func(m *topics.Message)
		http   func(*http.Request)
		status int
		code   string
	}{
		{"not JSON", func(m *topics.Message) { m.Data = []byte(`{"application_id":`) }, nil, 400, "not_json"},
		{"an array", func(m *topics.Message) { m.Data = []byte(`[]`) }, nil, 400, "not_json"},
		{"schema violated", change(t, func(f map[string]any) { delete(f, "applicant") }), nil, 400, "schema"},
		{"unknown field", change(t, func(f map[string]any) { f["more"] = 1 }), nil, 400, "schema"},
		{"consent missing", change(t, func(f map[string]any) { delete(f, "consent") }), nil, 400, "consent"},
		{"consent refused", change(t, func(f map[string]any) { f["consent"].(map[string]any)["given"] = false }), nil, 400, "consent"},
		{"IIN checksum", change(t, func(f map[string]any) { f["applicant"].(map[string]any)["iin"] = "990101200018" }), nil, 400, "iin"},
		{"no id", func(m *topics.Message) { m.ID = "" }, nil, 400, "no_id"},
		{"subject differs", func(m *topics.Message) { m.Subject += "x" }, nil, 400, "subject"},
		{"no subject", func(m *topics.Message) { m.Subject = "" }, nil, 400, "not_cloudevent"},
		{"unknown type", func(m *topics.Message) { m.Type = "kz.migration.application.forgotten.v1" }, nil, 400, "unknown_type"},
		{"another's type", func(m *topics.Message) { m.Type = payload.TypeEgovSubmitted }, nil, 400, "unknown_type"},
		{"wrong source", nil, setHeader("ce-source", "egov"), 403, "wrong_source"},
		{"the hub's name", nil, setHeader("ce-source", "hub"), 403, "wrong_source"},
		{"too large", func(m *topics.Message) { m.Data = append(m.Data, bytes.Repeat([]byte(" "), 1<<20)...) }, nil, 413, "too_large"},
		{"no token", nil, setHeader("Authorization", ""), 401, "unauthorized"},
		{"unknown token", nil, setHeader("Authorization", "Bearer 0123456789abcdef"), 401, "unauthorized"},
		{"another's token", nil, setHeader("Authorization", "Bearer "+w.tokens["egov"]), 403, "forbidden_topic"},
		{"not a media type of ours", nil, setHeader("Content-Type", "text/plain"), 415, "unsupported_media_type"},
		{"no CloudEvent", nil, setHeader("ce-specversion", "0.3"), 400, "not_cloudevent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.in(t)
			m := w.filed(w.application("migration"))
			subject := m.Subject
			if c.change != nil {
				c.change(&m)
			}
			change := c.http
			if change == nil {
				change = func(*http.Request) {}
			}
			status, h, body := w.post("migration.applications", m, change)
			expectProblem(t, status, h, body, c.status, c.code)
			if n := len(w.recordsOf("migration.applications", subject, "")); n != 0 {
				t.Errorf("%d records were written all the same", n)
			}
		})
	}
	t.Run("no such topic", func(t *testing.T) {
		w.in(t)
		status, h, body := w.post("migration.wishes", w.filed(w.application("migration")))
		expectProblem(t, status, h, body, 404, "not_found")
	})
	t.Run("a topic of the hub's own", func(t *testing.T) {
		w.in(t)
		status, h, body := w.post("migration.notifications", w.filed(w.application("migration")))
		expectProblem(t, status, h, body, 403, "forbidden_topic")
	})
	t.Run("bodies up to the limit are read", func(t *testing.T) {
		w.in(t)
		a := w.quietly(w.application("migration"))
		m := w.filed(a)
		m.Data = append(m.Data, bytes.Repeat([]byte(" "), 1000)...)
		w.accept("migration.applications", m)
		w.awaitEffect("kandas", "register", a.ApplicationID)
	})
}

// change alters the JSON payload of a message.
func change(t *testing.T, f func(form map[string]any)) func(*topics.Message) {
	return func(m *topics.Message) {
		t.Helper()
		var form map[string]any
		if err := json.Unmarshal(m.Data, &form); err != nil {
			t.Fatal(err)
		}
		f(form)
		b, err := json.Marshal(form)
		if err != nil {
			t.Fatal(err)
		}
		m.Data = b
	}
}

func TestIntakeRepeats(t *testing.T) {
	w := newWorld(t)
	w.start()
	a := w.quietly(w.application("migration"))
	m := w.filed(a)
	for range 3 {
		w.accept("migration.applications", m)
	}
	w.awaitEffect("kandas", "register", a.ApplicationID)
	w.awaitCommittedBy("register")
	if n := len(w.recordsOf("register.dead", a.ApplicationID, "")); n != 0 {
		t.Fatalf("a repeat made %d dead letters", n)
	}

	// The same id with other content is taken, and becomes a dead letter that
	// holds nothing.
	other := m
	change(t, func(f map[string]any) { f["provider"] = "Басқа басқарма" })(&other)
	w.accept("migration.applications", other)
	servertest.Eventually(t, "the conflict is a dead letter", func() bool {
		return len(w.recordsOf("register.dead", a.ApplicationID, "letter")) > 0
	})
	w.awaitCommittedBy("register")
	letters := w.recordsOf("register.dead", a.ApplicationID, "letter")
	if len(letters) != 1 || headerOf(letters[0], "hub_code") != "conflict" || headerOf(letters[0], "hub_holds") != "false" || !bytes.Equal(letters[0].Value, other.Data) {
		t.Errorf("%d letters, the first with code %q", len(letters), headerOf(letters[0], "hub_code"))
	}
	if n := len(w.effects("kandas", "register", a.ApplicationID)); n != 1 {
		t.Errorf("registered %d times", n)
	}
	if n := w.calls["kandas"].with("/applications", a.ApplicationID); n != 1 {
		t.Errorf("kandas was called %d times for one event", n)
	}
}

// TestIntakeKeepsOrder sends events of several applications, each sender
// waiting for 202: the cabinet shows them in that order. It is also how kandas
// speaks without Kafka.
func TestIntakeKeepsOrder(t *testing.T) {
	w := newWorld(t)
	w.start()
	const applications, each = 4, 15
	want := map[string][]string{}
	done := make(chan struct{})
	for range applications {
		a := w.quietly(w.application("migration"))
		w.accept("migration.applications", w.filed(a))
		w.awaitEffect("kandas", "register", a.ApplicationID)
		events := make([]topics.Message, each)
		for i := range events {
			events[i] = w.event("kandas", payload.TypeRecommended, a.ApplicationID, recommendedEvent(a.ApplicationID, "migration"))
			want[a.ApplicationID] = append(want[a.ApplicationID], topics.NoticeID(a.ApplicationID, topics.DeriveID(events[i].ID, "verify", "0")))
		}
		go func() {
			defer func() { done <- struct{}{} }()
			for _, e := range events {
				if status, _, body := w.post("kandas.events", e); status != http.StatusAccepted {
					t.Errorf("status %d: %s", status, body)
					return
				}
			}
		}()
	}
	for range applications {
		<-done
	}
	for a, notices := range want {
		w.awaitEffects(samples.Expected{System: "migration", Operation: "show", Applications: []string{a}, Detail: "recommended", Count: each})
		var shown []string
		for _, e := range w.effects("migration", "show", a) {
			if e.Detail == "recommended" {
				shown = append(shown, e.ID)
			}
		}
		if !slices.Equal(shown, notices) {
			t.Errorf("%s: shown in the order\n%v, sent in\n%v", a, shown, notices)
		}
	}
}

// TestIntakeAnswersAfterKafka stops Kafka: whoever files is told to come back,
// and what is filed again under the same id has one effect.
func TestIntakeAnswersAfterKafka(t *testing.T) {
	k := newKafka(t)
	w := newWorldOn(t, []string{k.addr}, servertest.Redis(t))
	w.start()
	a := w.quietly(w.application("migration"))
	m := w.filed(a)
	k.stop()
	status, h, body := w.post("migration.applications", m)
	expectProblem(t, status, h, body, http.StatusServiceUnavailable, "unavailable")
	if h.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	k.start()
	servertest.Eventually(t, "the intake takes the event", func() bool {
		status, _, _ := w.post("migration.applications", m)
		return status == http.StatusAccepted
	})
	w.accept("migration.applications", m)
	w.awaitEffect("kandas", "register", a.ApplicationID)
	w.awaitCommittedBy("register")
	if n := w.calls["kandas"].with("/applications", a.ApplicationID); n != 1 {
		t.Errorf("kandas was called %d times for one event", n)
	}
}

// newContext ends with the test, and no later than d from now.
func newContext(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
