package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"kandashub/observability"
	"kandashub/observability/console"
	"kandashub/topics"
	"kandashub/topics/claims"
	"kandashub/topics/contract"
	"kandashub/topics/control"
	"kandashub/topics/outcomes"
	"kandashub/topics/servertest"
)

// The route of these tests, and what its messages carry.
const (
	route  = "register"
	source = "egov.applications"
	iin    = "990101200017"
	secret = `{"iin":"` + iin + `","surname":"Secretova","phone":"+77011234567"}`
)

// A world is a hub with one route, whose system does as the test says, beside a
// console.
type world struct {
	t        testing.TB
	brokers  []string
	cluster  *topics.Cluster
	producer *topics.Producer
	commands *control.Commands
	config   console.Config
	console  *console.Console
	server   *httptest.Server
	shutDown func() // ends the console as the end of the process does; its pages are still served

	reports topics.Outcomes // of what the hub delivers; nil: none
	store   *claims.Store   // of the hub

	mu      sync.Mutex
	refuses bool
	silent  int            // calls that get no answer first
	effects map[string]int // by application

	breaker atomic.Pointer[console.Breaker]
	pauses  atomic.Pointer[[]topics.Pause]
}

// newWorld makes a world. change may change the console's config.
func newWorld(t testing.TB, change func(*console.Config)) *world {
	t.Helper()
	w := &world{t: t, brokers: servertest.Brokers(t), refuses: true, effects: map[string]int{}}
	agreed, err := contract.Load()
	if err != nil {
		t.Fatal(err)
	}
	w.cluster = topics.NewCluster(w.brokers)
	t.Cleanup(w.cluster.Close)
	if _, err := agreed.Create(t.Context(), w.cluster.Client, 2, 1); err != nil {
		t.Fatal(err)
	}
	w.producer = topics.NewProducer(w.cluster, 5*time.Second, nil)
	store := control.Open(w.cluster, w.producer, "hub-1")
	w.background(store.Run)
	w.commands = &control.Commands{Cluster: w.cluster, Producer: w.producer, Store: store,
		Audit: control.NewAudit(w.cluster, w.producer), Routes: control.Routes(agreed), Settle: time.Minute}
	w.breaker.Store(&console.Breaker{Operation: "register", State: "closed", Opens: 5})
	w.pauses.Store(&[]topics.Pause{})
	w.config = console.Config{
		Hub: "hub-1", Login: console.Login{Dev: true}, Commands: w.commands, Contract: agreed,
		Routes: []console.Route{
			{Name: route, Sources: []string{"migration.applications", source, "statecorp.applications"}, System: "kandas", Effect: "C1"},
			{Name: "iin-lookup", Sources: []string{"kandas.iin-requests", "gbdfl.lookups"}, Writes: []string{"gbdfl.lookups", "migpolice.generations", "iin.results"}, System: "gbdfl", Effect: "read only"},
		},
		Local: func() []console.Local {
			return []console.Local{{Route: route, Breaker: *w.breaker.Load(), Pauses: *w.pauses.Load()}}
		},
		Checks: []observability.Check{{Name: "kafka", Run: w.cluster.Ping}, {Name: "redis", Run: func(context.Context) error { return fmt.Errorf("away") }}},
		Quiet:  control.Quiet{Count: func(context.Context, string) (int64, error) { return 0, nil }, Lease: 0},
		Log:    slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&w.config)
	}
	c, err := console.New(w.config)
	if err != nil {
		t.Fatal(err)
	}
	w.console = c
	w.server = httptest.NewServer(c.Handler())
	t.Cleanup(w.server.Close)
	w.shutDown = w.background(c.Run) // ends before the server, which waits for live pages
	return w
}

// indexed makes a world whose hub reports outcomes and keeps an index of them.
func indexed(t testing.TB) *world {
	t.Helper()
	var x *outcomes.Index
	w := newWorld(t, func(c *console.Config) {
		var err error
		x, err = outcomes.Open(t.TempDir(), outcomes.Options{Cluster: c.Commands.Cluster, Keep: time.Hour, Most: 1000, Log: c.Log})
		if err != nil {
			t.Fatal(err)
		}
		c.Outcomes = x
	})
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	w.background(x.Run) // ends before it is closed
	w.reports = outcomes.NewWriter(w.cluster, 2, nil, w.config.Log)
	return w
}

// background runs f until the test ends, or until stop is called.
func (w *world) background(f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(stop)
	return stop
}

// startHub runs the route until the test ends, or until stop is called.
func (w *world) startHub() (stop func()) {
	t := w.t
	store := claims.NewStore(servertest.Redis(t), claims.Config{Lease: 3 * time.Second, Keep: time.Hour})
	t.Cleanup(store.Close)
	w.store = store
	c := &topics.Consumer{
		Cluster: w.cluster, Partitions: 2, Workers: 8, Window: 100, WindowBytes: 1 << 20, Bytes: new(atomic.Int64),
		Session: 6 * time.Second, Rebalance: 10 * time.Second,
		Delivery: &topics.Delivery{
			Route: topics.Route{Name: route, Sources: w.config.Routes[0].Sources,
				Operation: topics.Operation{System: "kandas", Name: "register", Effect: topics.C1, Do: w.do}},
			Claims: store, Producer: w.producer, Gate: topics.NewGate(always{make(chan struct{})}, nil),
			Timing: topics.Timing{Call: time.Second, Lease: 3 * time.Second, Drain: time.Second, ParkAfter: time.Minute,
				BackoffLeast: 10 * time.Millisecond, BackoffMost: 100 * time.Millisecond},
			Check:   func(string, topics.Message) (string, error) { return "", nil },
			Lease:   func(ctx context.Context, _ time.Time) context.Context { return ctx },
			Metrics: observability.NewMetrics(nil).Route(route), Log: slog.New(slog.DiscardHandler), Now: time.Now,
			Outcomes: w.reports,
		},
	}
	return w.background(c.Run)
}

func (w *world) do(_ context.Context, m topics.Message) ([]topics.Reply, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.silent > 0 {
		w.silent--
		return nil, topics.Fail(topics.Unavailable, "timeout", "no answer in time")
	}
	if w.refuses {
		return nil, topics.Fail(topics.Rejected, "http_422", "refused by the test")
	}
	w.effects[m.Subject]++
	return nil, nil
}

func (w *world) refusing(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuses = yes
}

func (w *world) carried(application string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.effects[application]
}

// always is a breaker that admits everything.
type always struct{ changed chan struct{} }

func (always) Admit() (func(error), time.Duration, bool) { return func(error) {}, 0, true }
func (always) Open() bool                                { return false }
func (b always) Changed() <-chan struct{}                { return b.changed }

// send writes one message of each application.
func (w *world) send(applications ...string) {
	w.t.Helper()
	for _, a := range applications {
		w.sendAs(a, a+"-1")
	}
}

// sendAs writes a message of an application under an id.
func (w *world) sendAs(application, id string) {
	w.t.Helper()
	m := topics.Message{ID: id, Type: "kz.egov.application.submitted.v1", Source: "egov", Subject: application, Time: time.Now(), Data: json.RawMessage(secret)}
	if err := w.producer.Publish(w.t.Context(), source, m); err != nil {
		w.t.Fatal(err)
	}
}

// sendMany sends a message of each of n applications, whose ids it returns.
func (w *world) sendMany(n int) (applications []string) {
	w.t.Helper()
	for i := range n {
		applications = append(applications, fmt.Sprintf("egov-%d", i))
	}
	w.send(applications...)
	return applications
}

// letters waits for as many letters that wait for a decision.
func (w *world) letters(n int) (letters []topics.Letter) {
	w.t.Helper()
	servertest.Eventually(w.t, fmt.Sprint(n, " letters"), func() bool {
		var err error
		letters, err = w.commands.Letters(w.t.Context(), control.Filter{Routes: []string{route}})
		return err == nil && len(letters) == n
	})
	return letters
}

// A person is somebody with a browser.
type person struct {
	*world
	client *http.Client
}

// enters logs somebody in.
func (w *world) enters(role string) *person {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	p := &person{w, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if role != "" {
		if status, _, _ := p.post("/login", url.Values{"name": {"duty"}, "role": {role}}); status != http.StatusSeeOther {
			w.t.Fatalf("logging in: %d", status)
		}
		p.post("/preferences", url.Values{"lang": {"en"}})
	}
	return p
}

// do sends a request as a browser does and returns status, location and page.
func (p *person) do(method, path string, form url.Values, headers ...string) (status int, location, page string) {
	p.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.server.URL+path, body)
	if err != nil {
		p.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Origin", p.server.URL)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
		}
	}
	resp, err := p.client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Location"), string(b)
}

func (p *person) get(path string) string {
	p.t.Helper()
	status, _, page := p.do(http.MethodGet, path, nil)
	if status != http.StatusOK {
		p.t.Fatalf("%s: %d\n%s", path, status, main(page))
	}
	return page
}

func (p *person) post(path string, form url.Values) (status int, location, page string) {
	p.t.Helper()
	return p.do(http.MethodPost, path, form)
}

// order is a form with a reason; more are names and values.
func order(more ...string) url.Values {
	v := url.Values{"request": {uuid.NewString()}, "why": {"a test"}}
	for i := 0; i+1 < len(more); i += 2 {
		v.Add(more[i], more[i+1])
	}
	return v
}

var mainOf = regexp.MustCompile(`(?s)<main.*</main>`)

// main is what stands between the header and the footer of a page.
func main(page string) string { return mainOf.FindString(page) }

// has reports whether a page shows a text.
func (p *person) has(page, text string) {
	p.t.Helper()
	if !strings.Contains(page, text) {
		p.t.Errorf("the page does not show %q:\n%s", text, main(page))
	}
}

func (p *person) hasNot(page, text string) {
	p.t.Helper()
	if strings.Contains(page, text) {
		p.t.Errorf("the page shows %q:\n%s", text, main(page))
	}
}
