package shep

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"kandashub/mocks"
)

// States of a message (kz.md 1.3).
const (
	OnDelivery   = "ON_DELIVERY"
	Delivered    = "DELIVERED"
	NotDelivered = "NOT_DELIVERED"
)

// UnknownMessage is the errorCode by which getMessageStatus says that no
// message of that id ever arrived. It is agreed with the hub: public sources
// name none.
const UnknownMessage = "MESSAGE_NOT_FOUND"

// Unauthorized is the errorCode for a sender who is not known; ours, too.
const Unauthorized = "AUTH_FAILED"

// Config of a Gateway.
type Config struct {
	System string // whose gateway it is: in the ledger, and its senderId at the hub
	Env    mocks.Env
	Ledger *mocks.Ledger
	Faults *mocks.Faults

	// Deliver gives a message that keeps the schema to the system and says
	// what it did there: operation, application, readable detail. An error
	// means that the system's own data contract is broken; its text goes back
	// in a Client fault.
	Deliver func(q Request) (mocks.Effect, error)

	// Delay is the time between the acknowledgement and the delivery, of which
	// the callback tells. 150 ms if zero.
	Delay time.Duration
}

// A Gateway is the async channel of one system.
type Gateway struct {
	cfg    Config
	client *http.Client
	outbox outbox

	mu           sync.Mutex
	states       map[string]string // by messageId
	sent         map[string]int    // how often each messageId was sent
	files        map[string]int    // how many applications were filed under each id
	notDelivered int               // how many of the next messages are not delivered
}

// NewGateway returns a gateway; Run must be running for callbacks and messages
// to the hub.
func NewGateway(cfg Config) *Gateway {
	if cfg.Delay == 0 {
		cfg.Delay = 150 * time.Millisecond
	}
	return &Gateway{
		cfg:    cfg,
		client: &http.Client{Timeout: 10 * time.Second},
		states: map[string]string{},
		sent:   map[string]int{},
		files:  map[string]int{},
	}
}

// Run makes callbacks and sends messages until ctx ends.
func (g *Gateway) Run(ctx context.Context) error {
	g.outbox.run(ctx)
	g.client.CloseIdleConnections()
	return nil
}

// Handler serves the channel on every path (the hub is configured with one;
// /bip-async is usual), with the system's fault switches before it. Faults name
// the operations sendMessage and getMessageStatus; those of the gateway's own
// calls changeMassageStatusNotification, and SendMessage and sendMessage for
// messages to the hub.
//
//	POST /_not-delivered?times=n   the next n messages end NOT_DELIVERED
func (g *Gateway) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", g.cfg.Faults.Wrap(operationOf, http.HandlerFunc(g.serve)))
	mux.HandleFunc("POST /_not-delivered", func(w http.ResponseWriter, r *http.Request) {
		times, err := strconv.Atoi(r.FormValue("times"))
		if err != nil || times < 0 {
			http.Error(w, "times is a number", http.StatusBadRequest)
			return
		}
		g.mu.Lock()
		g.notDelivered = times
		g.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

// operationOf names the operation for the fault switches.
func operationOf(r *http.Request) string {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return ""
	}
	for name := range operations {
		if bytes.Contains(body, []byte(":"+name+" ")) || bytes.Contains(body, []byte("<"+name+" ")) {
			return name
		}
	}
	return ""
}

func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		Fault(w, "Client", "sendMessage", "BAD_XML", "the request broke off")
		return
	}
	q, err := Read(r, body)
	if err != nil {
		g.logf("%s: a message that breaks the schema: %v", g.cfg.System, err)
		Fault(w, "Client", "sendMessage", "SCHEMA", err.Error())
		return
	}
	if g.cfg.Env.Token != "" && q.Password != g.cfg.Env.Token {
		Fault(w, "Client", q.Operation, Unauthorized, "sender or password unknown")
		return
	}
	switch q.Operation {
	case "sendMessage":
		g.take(w, q, began)
	case "getMessageStatus":
		g.status(w, q)
	default:
		Fault(w, "Client", q.Operation, "UNSUPPORTED_OPERATION", "not served by the async channel")
	}
}

// take delivers a message, also one whose id it has seen before.
func (g *Gateway) take(w http.ResponseWriter, q Request, began time.Time) {
	if q.MessageID == "" {
		Fault(w, "Client", q.Operation, "SCHEMA", "messageId is expected here")
		return
	}
	effect, err := g.cfg.Deliver(q)
	if err != nil {
		g.logf("%s: a message that breaks the data contract: %v", g.cfg.System, err)
		Fault(w, "Client", q.Operation, "DATA", err.Error())
		return
	}
	effect.System, effect.ID = g.cfg.System, q.MessageID
	effect.LatencyMS = float64(time.Since(began).Microseconds()) / 1000
	if err := g.cfg.Ledger.Record(effect); err != nil {
		g.logf("%s: ledger: %v", g.cfg.System, err)
		Fault(w, "Server", q.Operation, "UNAVAILABLE", "the ledger cannot be written")
		return
	}
	end := g.begin(q.MessageID)
	g.callback(q.MessageID, effect.Application, end)
	Answer(w, NamespaceAsync, q.Operation, acknowledgement(q))
}

func acknowledgement(q Request) string {
	correlation := ""
	if q.CorrelationID != "" {
		correlation = "<correlationId>" + Escape(q.CorrelationID) + "</correlationId>"
	}
	return "<messageId>" + Escape(q.MessageID) + "</messageId>" + correlation + "<responseDate>" + Now() + "</responseDate>"
}

// begin notes a message and returns the state in which it will end.
func (g *Gateway) begin(id string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sent[id]++
	g.states[id] = OnDelivery
	if g.notDelivered > 0 {
		g.notDelivered--
		return NotDelivered
	}
	return Delivered
}

// Sent returns how often a messageId was sent: more than once is a doubled
// notice.
func (g *Gateway) Sent(id string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sent[id]
}

func (g *Gateway) status(w http.ResponseWriter, q Request) {
	g.mu.Lock()
	state, ok := g.states[q.MessageID]
	g.mu.Unlock()
	if !ok {
		Fault(w, "Client", q.Operation, UnknownMessage, "no message of that id")
		return
	}
	Answer(w, NamespaceAsync, q.Operation, "<messageState>"+state+"</messageState><status><statusCode>200</statusCode>"+
		"<statusMessage>OK</statusMessage><statusDate>"+Now()+"</statusDate></status><responseDate>"+Now()+"</responseDate>")
}

func (g *Gateway) setState(id, state string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.states[id] = state
}

func (g *Gateway) logf(format string, args ...any) {
	if g.cfg.Env.Logf != nil {
		g.cfg.Env.Logf(format, args...)
	}
}
