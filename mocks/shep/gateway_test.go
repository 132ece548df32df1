package shep

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kandashub/mocks"
)

// hub answers what the gateway sends: a fault of the given sides first, then
// acceptance.
type hub struct {
	mu     sync.Mutex
	faults []string
	bodies []string
	got    chan string
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	h.bodies = append(h.bodies, string(body))
	side := ""
	if len(h.faults) > 0 {
		side, h.faults = h.faults[0], h.faults[1:]
	}
	h.mu.Unlock()
	switch side {
	case "":
		op := "sendMessage"
		for _, o := range []string{"SendMessage", "changeMassageStatusNotification"} {
			if strings.Contains(string(body), ":"+o+" ") {
				op = o
			}
		}
		Answer(w, NamespaceAsync, op, "<responseDate>"+Now()+"</responseDate>")
	default:
		Fault(w, side, "sendMessage", "X", "x")
	}
	h.got <- string(body)
}

func newGateway(t *testing.T, h *hub) (*Gateway, *mocks.Ledger) {
	t.Helper()
	h.got = make(chan string, 100)
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	l, err := mocks.OpenLedger(filepath.Join(t.TempDir(), "l"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	g := NewGateway(Config{
		System: "egov", Env: mocks.Env{HubURL: srv.URL, HubToken: "pw", Logf: t.Logf}, Ledger: l, Faults: mocks.NewFaults(1),
		Delay: time.Millisecond,
		Deliver: func(q Request) (mocks.Effect, error) {
			return mocks.Effect{Operation: "notify", Application: "a"}, nil
		},
	})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); g.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return g, l
}

func (h *hub) wait(t *testing.T) string {
	t.Helper()
	select {
	case b := <-h.got:
		return b
	case <-time.After(10 * time.Second):
		t.Fatal("the hub was not called")
		return ""
	}
}

func TestSendRepeatsInOrderUntilAccepted(t *testing.T) {
	h := &hub{faults: []string{"Server", "Server"}}
	g, _ := newGateway(t, h)
	for i := range 3 {
		g.Send(Outgoing{Application: "a", MessageID: fmt.Sprintf("m-%d", i), ServiceID: "s", MessageType: "REQUEST", Data: "<x/>", Sync: i == 1})
	}
	var ids []string
	for range 5 {
		_, rest, _ := strings.Cut(h.wait(t), "<messageId>")
		id, _, _ := strings.Cut(rest, "<")
		ids = append(ids, id)
	}
	if want := []string{"m-0", "m-0", "m-0", "m-1", "m-2"}; !slices.Equal(ids, want) {
		t.Errorf("sent %v, want %v", ids, want)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.bodies[0] != h.bodies[1] || h.bodies[1] != h.bodies[2] {
		t.Error("a repeat differs from the first attempt")
	}
}

func TestRefusedMessagesAreNotRepeated(t *testing.T) {
	h := &hub{faults: []string{"Client"}}
	g, l := newGateway(t, h)
	refused := make(chan mocks.Effect, 1)
	l.Watch(func(e mocks.Effect) { refused <- e })
	g.Send(Outgoing{Application: "a", MessageID: "m-0", ServiceID: "s", Data: "<x/>"})
	g.Send(Outgoing{Application: "a", MessageID: "m-1", ServiceID: "s", Data: "<x/>"})
	if h.wait(t); !strings.Contains(h.wait(t), "m-1") {
		t.Error("the next message does not follow")
	}
	if e := <-refused; e.Operation != "refused" || e.ID != "m-0" {
		t.Errorf("the ledger says %+v", e)
	}
}

func call(g *Gateway, body string) string {
	r, _ := request(body)
	w := httptest.NewRecorder()
	g.Handler().ServeHTTP(w, r)
	return w.Body.String()
}

func message(id string) string {
	return Envelope(`<a:sendMessage xmlns:a="` + NamespaceAsync + `"><request><messageInfo><messageId>` + id + `</messageId><serviceId>s</serviceId>` +
		`<messageType>NOTIFICATION</messageType><messageDate>2026-04-06T10:15:30+05:00</messageDate><sender><senderId>h</senderId></sender></messageInfo>` +
		`<messageData><data/></messageData></request></a:sendMessage>`)
}

func question(id string) string {
	return Envelope(`<a:getMessageStatus xmlns:a="` + NamespaceAsync + `"><request><messageId>` + id + `</messageId>` +
		`<requestDate>2026-04-06T10:15:30+05:00</requestDate><sender><senderId>h</senderId></sender></request></a:getMessageStatus>`)
}

func TestGatewayIsNotIdempotent(t *testing.T) {
	h := &hub{}
	g, l := newGateway(t, h)
	if got := call(g, question("m")); !strings.Contains(got, "<errorCode>"+UnknownMessage+"<") {
		t.Errorf("asked about an unknown id: %s", got)
	}
	for range 2 {
		if got := call(g, message("m")); !strings.Contains(got, ":sendMessageResponse ") {
			t.Fatalf("sent: %s", got)
		}
		if b := h.wait(t); !strings.Contains(b, "<messageState>DELIVERED<") {
			t.Errorf("called back with %s", b)
		}
	}
	if got := call(g, question("m")); !strings.Contains(got, "<messageState>DELIVERED<") {
		t.Errorf("asked: %s", got)
	}
	n := 0
	for _, e := range l.Effects() {
		if e.Operation == "notify" && e.ID == "m" && !e.Repeat {
			n++
		}
	}
	if n != 2 || g.Sent("m") != 2 {
		t.Errorf("%d effects, %d sent; want 2", n, g.Sent("m"))
	}
}

func TestBrokenMessagesHaveNoEffect(t *testing.T) {
	g, l := newGateway(t, &hub{})
	for _, body := range []string{"x", strings.Replace(message("m"), "<messageType>NOTIFICATION</messageType>", "", 1), valid} {
		if got := call(g, body); !strings.Contains(got, "soap:Client") {
			t.Errorf("answered %s", got)
		}
	}
	if n := len(l.Effects()); n != 0 {
		t.Errorf("%d effects", n)
	}
}

// A sender without the password has no effect, and learns nothing.
func TestUnknownSenders(t *testing.T) {
	g, l := newGateway(t, &hub{})
	g.cfg.Env.Token = "t0ken"
	shows := func(body, password string) string {
		return strings.Replace(body, "</senderId>", "</senderId><password>"+password+"</password>", 1)
	}
	for _, body := range []string{message("m"), question("m"), shows(message("m"), "x")} {
		if got := call(g, body); !strings.Contains(got, "<errorCode>"+Unauthorized+"<") {
			t.Errorf("answered %s", got)
		}
	}
	if n := len(l.Effects()); n != 0 {
		t.Errorf("%d effects", n)
	}
	if got := call(g, shows(message("m"), "t0ken")); !strings.Contains(got, ":sendMessageResponse ") {
		t.Errorf("the right password: %s", got)
	}
	answered := 0
	sync := ServeSync("s", "t0ken", func(w http.ResponseWriter, q Request) error {
		answered++
		AnswerSync(w, q, "1", "SCSS001", "")
		return nil
	})
	question := Envelope(`<s:SendMessage xmlns:s="` + NamespaceSync + `"><request><requestInfo><messageId>m</messageId><serviceId>s</serviceId>` +
		`<messageDate>2026-04-06T10:15:30+05:00</messageDate><sender><senderId>h</senderId></sender></requestInfo><requestData/></request></s:SendMessage>`)
	for _, c := range []struct {
		body string
		want int
	}{{question, 0}, {shows(question, "x"), 0}, {strings.Replace(shows(question, "t0ken"), ">s<", ">other<", 1), 0}, {shows(question, "t0ken"), 1}} {
		r, _ := request(c.body)
		sync.ServeHTTP(httptest.NewRecorder(), r)
		if answered != c.want {
			t.Errorf("%d answers, want %d", answered, c.want)
		}
	}
}
