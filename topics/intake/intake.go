// Package intake is the door for systems without Kafka: they hand their events
// to the hub over HTTP, as CloudEvents in binary or structured mode, and the
// hub writes them to the system's own topics. openapi.yaml, served at
// /openapi.yaml, is its contract.
//
// The intake keeps no state. It answers 202 only after all in-sync replicas
// have the event; a repeat is written again, and dropped by its reader, who
// knows the message by source and id. After 503 or a lost answer the sender
// repeats with the same id. Order holds for a sender that waits for 202 before
// its next event of that application.
//
// Accept is the same check without HTTP: the SHEP endpoints use it, so that
// both roads refuse alike. Every refusal is an RFC 9457 problem (problem.go)
// that names places and rules, never a value.
package intake

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/contract"
)

// A Publisher writes messages to Kafka.
type Publisher interface {
	// Publish returns nil once all in-sync replicas have m, written to the
	// partition of its subject. It gives up within a time of its own.
	Publish(ctx context.Context, topic string, m topics.Message) error
}

// Config of an intake. Contract and Publisher are required.
type Config struct {
	// Tokens holds the bearer token of each system. A system without a token
	// cannot call.
	Tokens map[string]string

	Contract  *contract.Contract
	Publisher Publisher

	// MaxBody is the longest request body in bytes; 1 MiB less 16 KiB if zero.
	// What is longer than its topic takes is refused in any case.
	MaxBody int64

	Metrics *observability.Metrics // may be nil
	Tracer  *observability.Tracer  // nil: tracing is off
	Now     func() time.Time       // time.Now if nil
}

// headroom is what a record weighs beside its payload, at most.
const headroom = 16 << 10

// maxID is the longest ce_id, in bytes; a reader distrusts a longer one.
const maxID = 200

// An Intake serves the HTTP intake. It is safe for concurrent use.
type Intake struct {
	cfg     Config
	callers []caller
	mux     *http.ServeMux
}

// A caller is a system and the hash of its token. Hashes have one length, so
// that comparing them tells nothing of a token's.
type caller struct {
	system string
	token  [sha256.Size]byte
}

// New returns an intake.
func New(cfg Config) *Intake {
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 1<<20 - headroom
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	i := &Intake{cfg: cfg, mux: http.NewServeMux()}
	for system, token := range cfg.Tokens {
		if token != "" {
			i.callers = append(i.callers, caller{system, sha256.Sum256([]byte(token))})
		}
	}
	i.mux.Handle("/v1/topics/{topic}/events", i.measured("intake", i.events))
	i.mux.Handle("/openapi.yaml", i.measured("openapi", serveOpenAPI))
	i.mux.Handle("/", i.measured("unknown", func(w http.ResponseWriter, _ *http.Request) error {
		return problem(NotFound, "the intake has no such path")
	}))
	return i
}

// ServeHTTP serves one request.
func (i *Intake) ServeHTTP(w http.ResponseWriter, r *http.Request) { i.mux.ServeHTTP(w, r) }

// measured answers with the problem where h returns one, and counts.
func (i *Intake) measured(name string, h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := i.cfg.Now()
		status := http.StatusOK
		if name == "intake" {
			status = http.StatusAccepted
		}
		if err := h(w, r); err != nil {
			p := problemOf(err)
			status = p.Status
			p.write(w)
		}
		i.cfg.Metrics.HTTP(name, r.Method, status, i.cfg.Now().Sub(began))
	})
}

// events takes one event for one topic.
func (i *Intake) events(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return problem(MethodNotAllowed, "events are sent by POST")
	}
	system, ok := i.caller(r)
	if !ok {
		w.Header().Set("WWW-Authenticate", `Bearer realm="kandashub"`)
		return problem(Unauthorized, "the bearer token is missing or unknown")
	}
	topic := r.PathValue("topic")
	if err := i.mayWrite(system, topic); err != nil {
		return err
	}
	m, err := i.read(w, r)
	if err != nil {
		return err
	}
	if err := i.Accept(r.Context(), system, topic, m); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// caller returns the system whose token the request carries. It compares with
// every token, so that the time it takes tells nothing.
func (i *Intake) caller(r *http.Request) (string, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	sum := sha256.Sum256([]byte(token))
	system := ""
	for _, c := range i.callers {
		if subtle.ConstantTimeCompare(c.token[:], sum[:]) == 1 {
			system = c.system
		}
	}
	return system, system != ""
}

// mayWrite refuses a topic that does not exist or is not the system's own.
func (i *Intake) mayWrite(system, topic string) error {
	t, ok := i.cfg.Contract.Topic(topic)
	if !ok {
		return problem(NotFound, "the contract knows no such topic")
	}
	if system == topics.SourceHub || !slices.Contains(t.Sources, system) {
		return problem(ForbiddenTopic, "the topic is not one of the caller's own")
	}
	return nil
}

// Accept checks m against the contract, and writes it to topic on behalf of
// system: nil means that all in-sync replicas have it. A missing Time is set to
// now, and a trace begins here where m has none.
//
// The error is a *topics.Failure. Rejected: m can never be taken, Code is the
// problem's code and Err says what is wrong. Unavailable: Kafka has not
// answered, and the sender is to repeat with the same id.
func (i *Intake) Accept(ctx context.Context, system, topic string, m topics.Message) error {
	work := i.cfg.Tracer.Begin("receive", topic, "")
	if err := i.check(system, topic, &m); err != nil {
		work.Fail(topics.FailureOf(err).Code)
		work.End("refused")
		return err
	}
	m.Trace = followed(work, m.Trace)
	work.About(m.Subject)
	work.Send(topic, m.Trace)
	if err := i.cfg.Publisher.Publish(ctx, topic, m); err != nil {
		work.Stop(Unavailable)
		work.Fail(Unavailable)
		work.End("not written")
		return topics.Fail(topics.Unavailable, Unavailable, "writing to %s: %w", topic, err)
	}
	work.Stop("")
	work.End("accepted")
	return nil
}

// followed returns the trace context of a message that came with one, or with
// none: then its trace begins here.
func followed(work *observability.Work, t observability.Trace) observability.Trace {
	if t.IsZero() {
		t = observability.NewTrace()
		work.Root(t)
	} else {
		work.Follow(t)
	}
	return work.Next(t)
}

func (i *Intake) check(system, topic string, m *topics.Message) error {
	if err := i.mayWrite(system, topic); err != nil {
		return err
	}
	switch {
	case !validID(m.ID):
		return problem(NoID, "ce-id is missing, longer than %d bytes, or not of visible ASCII characters", maxID)
	case m.Source != system:
		return problem(WrongSource, "ce-source is not the system whose token was sent")
	case m.Type == "" || m.Subject == "":
		return problem(NotCloudEvent, "ce-type or ce-subject is missing")
	case m.Time.UTC().Year() < 0 || m.Time.UTC().Year() > 9999: // as a sender behind SHEP may have it
		return problem(NotCloudEvent, "the event's time is not RFC 3339 in UTC")
	}
	if t, _ := i.cfg.Contract.Topic(topic); len(m.Data) > t.MaxBytes-headroom {
		return problem(TooLarge, "the payload is longer than the %d bytes that the topic takes", t.MaxBytes-headroom)
	}
	if m.Time.IsZero() {
		m.Time = i.cfg.Now()
	}
	m.RootTime = time.Time{} // this is the first message of its chain
	err := i.cfg.Contract.Check(topic, *m)
	var v *contract.Violation
	if errors.As(err, &v) {
		return &topics.Failure{Class: topics.Rejected, Code: v.Code, Err: v}
	}
	return err
}

func validID(id string) bool {
	return id != "" && len(id) <= maxID &&
		!strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' })
}

//go:embed openapi.yaml
var openAPI []byte

func serveOpenAPI(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return problem(MethodNotAllowed, "the contract is read by GET")
	}
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(openAPI) // the reader may have gone
	return nil
}
