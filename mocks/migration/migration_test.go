package migration

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kandashub/mocks"
)

// hub is an intake that answers with statuses in turn, and then with 202.
type hub struct {
	statuses []int

	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
	accepted chan string // ce-id
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	n := len(h.requests)
	h.requests = append(h.requests, r)
	h.bodies = append(h.bodies, string(body))
	h.mu.Unlock()
	status := http.StatusAccepted
	if n < len(h.statuses) {
		status = h.statuses[n]
	}
	w.WriteHeader(status)
	if status == http.StatusAccepted {
		h.accepted <- r.Header.Get("ce-id")
	}
}

func newPortal(t *testing.T, h *hub) *mocks.System {
	t.Helper()
	h.accepted = make(chan string, 10)
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	s, err := New(mocks.Env{Dir: t.TempDir(), Seed: 1, HubURL: srv.URL, HubToken: "t0ken"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		s.Ledger.Close()
	})
	return s
}

func post(t *testing.T, s *mocks.System, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Message-ID", "migration-1.a")
	w := httptest.NewRecorder()
	s.Handler.ServeHTTP(w, r)
	return w
}

const form = `{"application_id":"migration-1","service":"kandas.assign"}`

// The same event goes out until the hub has accepted it, and not again.
func TestFileRepeatsUntilAccepted(t *testing.T) {
	h := &hub{statuses: []int{503, 500, 401}}
	s := newPortal(t, h)
	if w := post(t, s, "/_file", form); w.Code != http.StatusAccepted {
		t.Fatalf("filing answers %d", w.Code)
	}
	id := <-h.accepted
	h.mu.Lock()
	for i, r := range h.requests {
		want := map[string]string{
			"Authorization": "Bearer t0ken", "Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": id,
			"ce-type": "kz.migration.application.submitted.v1", "ce-source": "migration", "ce-subject": "migration-1",
			"ce-time": h.requests[0].Header.Get("ce-time"),
		}
		got := map[string]string{}
		for k := range want {
			got[k] = r.Header.Get(k)
		}
		if diff := cmp.Diff(want, got); diff != "" || h.bodies[i] != form || r.URL.Path != "/v1/topics/migration.applications/events" {
			t.Errorf("request %d to %s with %s: headers (-want +got):\n%s", i, r.URL.Path, h.bodies[i], diff)
		}
	}
	if len(h.requests) != 4 {
		t.Errorf("hub saw %d requests, want 4", len(h.requests))
	}
	h.mu.Unlock()

	post(t, s, "/_file", form) // again: nothing new
	post(t, s, "/_file", strings.Replace(form, "-1", "-2", 1))
	if next := <-h.accepted; next == id {
		t.Error("an application was sent again after it had been accepted")
	}
	effects := s.Ledger.Effects()
	var got []string
	for _, e := range effects {
		got = append(got, fmt.Sprint(e.Operation, " ", e.Application, " ", e.Repeat))
	}
	want := []string{"file migration-1 false", "file migration-1 true", "file migration-2 false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

// What the hub will never accept is not repeated, and is seen in the ledger.
func TestFileRefused(t *testing.T) {
	h := &hub{statuses: []int{422}}
	s := newPortal(t, h)
	refused := make(chan mocks.Effect, 1)
	s.Ledger.Watch(func(e mocks.Effect) {
		if e.Operation == "refused" {
			refused <- e
		}
	})
	post(t, s, "/_file", form)
	if e := <-refused; e.Application != "migration-1" {
		t.Errorf("refused is %+v", e)
	}
	post(t, s, "/_file", strings.Replace(form, "-1", "-2", 1))
	<-h.accepted
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.requests) != 2 {
		t.Errorf("hub saw %d requests, want 2", len(h.requests))
	}
}

func TestFormsAreChecked(t *testing.T) {
	s := newPortal(t, &hub{})
	for _, body := range []string{"", "{", "[]", `{"application_id":"a"}`, `{"service":"kandas.assign"}`} {
		if w := post(t, s, "/_file", body); w.Code != http.StatusBadRequest {
			t.Errorf("filing %q answers %d, want 400", body, w.Code)
		}
	}
	const good = `{"notice":"migration-1.a","application_id":"migration-1","event_id":"e","kind":"registered",
		"issued_at":"2026-11-22T09:00:00+05:00","text":{"kk":"а","ru":"б"},"registration":{"number":"1"}}`
	for _, replace := range [][2]string{
		{`"migration-1.a"`, `"migration-1.b"`}, {`"kind":"registered"`, `"kind":"decided"`}, {`"registered"`, `"praised"`}, {`"kk":"а",`, ""},
		{`"registration":`, `"surprise":1,"registration":`}, {`"event_id":"e",`, ""}, {`"2026-11-22T09:00:00+05:00"`, `"today"`}, {`{`, `[`},
		{`"application_id":"migration-1"`, `"application_id":"migration-2"`},
		{`"kind":"registered"`, `"kind":"decided","decision":{}`},
	} {
		if w := post(t, s, "/api/v1/cabinet/notices", strings.Replace(good, replace[0], replace[1], 1)); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("notice with %s for %s answers %d, want 422", replace[1], replace[0], w.Code)
		}
	}
	if n := len(s.Ledger.Effects()); n != 0 {
		t.Fatalf("%d effects of bad requests", n)
	}
	if w := post(t, s, "/api/v1/cabinet/notices", good); w.Code != http.StatusOK {
		t.Errorf("good notice answers %d: %s", w.Code, w.Body)
	}
	post(t, s, "/api/v1/cabinet/notices", good)
	if effects := s.Ledger.Effects(); len(effects) != 2 || !effects[1].Repeat || effects[0].Event != "e" {
		t.Errorf("after a repeat: %+v", effects)
	}
	post(t, s, "/api/v1/cabinet/notices", strings.Replace(good, `"e"`, `"f"`, 1))
	if effects := s.Ledger.Effects(); len(effects) != 4 || effects[3].Operation != "violation" {
		t.Errorf("after another notice under the same id: %+v", effects)
	}
}

// A decision needs the signature of the head of МИО, and shows its grounds.
func TestSignedNotices(t *testing.T) {
	s := newPortal(t, &hub{})
	notice := func(value string) string {
		return `{"notice":"migration-1.a","application_id":"migration-1","event_id":"e","kind":"decided",
			"issued_at":"2026-11-22T09:00:00+05:00","text":{"kk":"а","ru":"б"},"decision":{"grounds":["4"]},
			"signature":{"format":"xml","value":` + strconv.Quote(value) + `}}`
	}
	for name, value := range map[string]string{
		"none": "<a></a>", "changed": strings.Replace(mocks.SignXML("<a></a>"), "<a>", "<a> ", 1), "of another": mocks.SignXMLAs("x", "<a></a>"),
	} {
		if w := post(t, s, "/api/v1/cabinet/notices", notice(value)); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d, want 422", name, w.Code)
		}
	}
	post(t, s, "/api/v1/cabinet/notices", notice(mocks.SignXML("<a></a>")))
	if effects := s.Ledger.Effects(); len(effects) != 1 || effects[0].Detail != "decided, grounds (4)" {
		t.Errorf("ledger %+v", effects)
	}
}

// The portal keeps its promise over a restart: its ledger is its memory.
func TestNoticesOutliveARestart(t *testing.T) {
	dir := t.TempDir()
	const notice = `{"notice":"migration-1.a","application_id":"migration-1","event_id":"e","kind":"registered",
		"issued_at":"2026-11-22T09:00:00+05:00","text":{"kk":"а","ru":"б"},"registration":{"number":"1"}}`
	var answers []string
	for range 2 {
		s, err := New(mocks.Env{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, post(t, s, "/api/v1/cabinet/notices", notice).Body.String())
		w := httptest.NewRecorder()
		s.Handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/_cabinet/migration-1", nil))
		if got := strings.TrimSpace(w.Body.String()); got != `["registered"]` {
			t.Errorf("cabinet shows %s", got)
		}
		if err := s.Ledger.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if answers[0] != answers[1] {
		t.Errorf("first answer %s, after a restart %s", answers[0], answers[1])
	}
}
