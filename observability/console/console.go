package console

import (
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/contract"
	"kandashub/topics/control"
	"kandashub/topics/outcomes"
)

// Config is what a console is made of.
type Config struct {
	Hub      string // name of the process that serves it
	Host     string // host[:port] as browsers reach it, where a proxy changes it; may be empty
	HTTPS    bool   // browsers reach it by https, perhaps through a proxy that does not say so
	Login    Login
	Commands *control.Commands // whose Store's Run runs
	Contract *contract.Contract
	Routes   []Route // the routing table

	// Local returns what this process knows of the routes that it runs.
	Local func() []Local

	// Checks are those of readiness.
	Checks []observability.Check

	// Outcomes finds what became of an application's messages; nil: this process
	// keeps no index, and the topic is read instead.
	Outcomes *outcomes.Index

	Links Links // to traces and logs

	// ReadOnly says that nobody may change anything here, whatever their role.
	ReadOnly bool

	// Deadline is the time from a chain's first message to its end; 0: there is none.
	Deadline time.Duration

	// Quiet tells when a route has nothing under way.
	Quiet control.Quiet

	Metrics *observability.Metrics
	Log     *slog.Logger
}

// A Route is a row of the routing table.
type Route struct {
	Name            string
	Sources, Writes []string // topics
	System          string
	Effect          string // C1, C2, C3 or read only
}

// Local is what one process knows of a route that it runs.
type Local struct {
	Route     string
	Pauses    []topics.Pause
	Breaker   Breaker
	Committed time.Time // when it has committed offsets last; zero: never
	Joined    int       // generations of the consumer group, since it began
}

// Breaker is a breaker as the process that has it sees it.
type Breaker struct {
	Operation string
	State     string    // closed, half_open, open
	Forced    string    // control.ForceOpen, control.ForceClosed, or empty
	Failures  int       // without an answer in a row
	Opens     int       // that many open it
	Probe     time.Time // open: when one call is let through
	LastAt    time.Time // of the last call without an answer; zero: none yet
	LastCode  string    // its code, from the closed set of failures
}

// A Console serves the pages. Run must run.
type Console struct {
	cfg      Config
	pages    map[string]*template.Template // by language
	sessions sessions
	letters  *letterIndex
	watch    *watch
	runs     *runs
	audit    *auditCache
	heavy    *semaphore.Weighted // held by what reads all letters of a route
	ended    chan struct{}       // closed when Run ends, so that live pages do
}

// maxHeavy is how many requests may read all letters of a route into memory at
// once, beside maxRuns runs: this process also delivers.
const maxHeavy = 2

// weigh waits for its turn to do something heavy, and does it.
func (v *visit) weigh(do func(ctx context.Context) error) error {
	ctx := v.r.Context()
	if err := v.heavy.Acquire(ctx, 1); err != nil {
		return err
	}
	defer v.heavy.Release(1)
	return do(ctx)
}

// New returns a console that asks nothing yet.
func New(cfg Config) (*Console, error) {
	pages, err := loadPages()
	if err != nil {
		return nil, err
	}
	c := &Console{cfg: cfg, pages: pages, ended: make(chan struct{}), letters: newLetterIndex(cfg.Commands.Cluster, cfg.Commands.Routes)}
	c.heavy = semaphore.NewWeighted(maxHeavy)
	c.watch = newWatch(c)
	c.runs = newRuns()
	c.audit = newAuditCache(cfg.Commands.Cluster)
	return c, nil
}

// Run keeps what the pages show until ctx ends, and ends what they have begun.
func (c *Console) Run(ctx context.Context) error {
	defer c.runs.wait()
	defer close(c.ended)
	return c.watch.run(ctx)
}

// Handler returns the pages.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /static/", static())
	for _, e := range endpoints() {
		mux.HandleFunc(e.pattern, c.serve(e))
	}
	mux.HandleFunc("/", c.serve(endpoint{pattern: "/", role: Viewer, do: func(v *visit) error { return v.nowhere(mux) }}))
	return safe(mux, c.cfg.Host)
}

// serve lets who may come to an endpoint, and shows what went wrong.
func (c *Console) serve(e endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		v := &visit{Console: c, w: &answer{ResponseWriter: w}, r: r, lang: chosenLanguage(r), asked: e}
		by := person
		if e.pattern == live {
			by = page
		}
		u, err := c.userOf(r, by)
		v.user = u
		switch {
		case e.role > Nobody && err != nil:
			if r.Method == http.MethodGet && len(c.cfg.Login.Proxies) == 0 {
				http.Redirect(v.w, r, "/login", http.StatusSeeOther)
				break
			}
			v.fail(err)
		case e.writes() && c.cfg.ReadOnly:
			v.fail(errReadOnly)
		case u.Role < e.role:
			v.fail(errForbidden)
		default:
			if err := e.do(v); err != nil {
				v.fail(err)
			}
		}
		if e.pattern != live { // which lasts
			c.cfg.Metrics.HTTP("console", r.Method, v.w.status, time.Since(began))
		}
	}
}

// answer remembers the status for the metrics.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap lets an http.ResponseController reach what is below.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
