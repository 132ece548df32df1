package shep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/google/uuid"

	"kandashub/mocks"
)

// The hub's paths.
const (
	hubSync  = "/shep/bip-sync-wss-gost/"
	hubAsync = "/shep/bip-async"
)

// An Outgoing is a message of the system to the hub.
type Outgoing struct {
	Application   string // its messages keep their order
	MessageID     string
	CorrelationID string // may be empty
	ServiceID     string
	MessageType   string // of the async channel
	Sync          bool   // through SendMessage instead of sendMessage
	Data          string // the content of the data element, as XML
}

// Send has m sent as soon as the application's earlier messages have been
// accepted, and again with the same id until it is. It returns at once.
func (g *Gateway) Send(m Outgoing) {
	operation, path := "sendMessage", hubAsync
	if m.Sync {
		operation, path = "SendMessage", hubSync
	}
	body := g.envelope(m, operation)
	g.outbox.put("application/"+m.Application, func(ctx context.Context) {
		g.deliver(ctx, delivery{
			operation: operation, path: path, body: body, application: m.Application, id: m.MessageID,
		})
	})
}

// envelope writes m. The sync channel carries the document as an escaped
// string, the async one inline: both styles are seen on the wire.
func (g *Gateway) envelope(m Outgoing, operation string) string {
	var b strings.Builder
	tag := func(name, value string) {
		if value != "" {
			b.WriteString("<" + name + ">" + Escape(value) + "</" + name + ">")
		}
	}
	from := func() {
		b.WriteString("<sender>")
		tag("senderId", g.cfg.System)
		tag("password", g.cfg.Env.HubToken)
		b.WriteString("</sender>")
	}
	if m.Sync {
		b.WriteString(`<ns2:SendMessage xmlns:ns2="` + NamespaceSync + `"><request><requestInfo>`)
		tag("messageId", m.MessageID)
		tag("correlationId", m.CorrelationID)
		tag("serviceId", m.ServiceID)
		tag("messageDate", Now())
		from()
		b.WriteString(`</requestInfo><requestData><data xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ` +
			`xmlns:xs="http://www.w3.org/2001/XMLSchema" xsi:type="xs:string">` + Escape(m.Data) +
			`</data></requestData></request></ns2:SendMessage>`)
		return Envelope(b.String())
	}
	b.WriteString(`<ns2:sendMessage xmlns:ns2="` + NamespaceAsync + `"><request><messageInfo>`)
	tag("messageId", m.MessageID)
	tag("correlationId", m.CorrelationID)
	tag("serviceId", m.ServiceID)
	tag("messageType", m.MessageType)
	tag("messageDate", Now())
	from()
	b.WriteString(`</messageInfo><messageData><data>` + m.Data + `</data></messageData></request></ns2:sendMessage>`)
	return Envelope(b.String())
}

// callback tells the hub, after the delay, that a message has ended in state.
// Every call of one callback has the same notificationId and body.
func (g *Gateway) callback(id, application, state string) {
	// The key is new each time: a callback waits for no other one.
	g.outbox.put("callback/"+uuid.NewString(), func(ctx context.Context) {
		if !pause(ctx, g.cfg.Delay) {
			return
		}
		g.setState(id, state)
		now := Now()
		body := Envelope(`<ns2:changeMassageStatusNotification xmlns:ns2="` + NamespaceAsync + `"><request><notification>` +
			`<notificationId>` + uuid.NewString() + `</notificationId><messageId>` + Escape(id) + `</messageId>` +
			`<notificationDate>` + now + `</notificationDate><messageState>` + state + `</messageState>` +
			`<status><statusCode>200</statusCode><statusMessage>OK</statusMessage><statusDate>` + now + `</statusDate></status>` +
			`</notification><requestDate>` + now + `</requestDate></request></ns2:changeMassageStatusNotification>`)
		g.deliver(ctx, delivery{
			operation: "changeMassageStatusNotification", path: hubAsync, body: body,
			application: application, id: id, state: state,
		})
	})
}

// A delivery is one call to the hub, repeated until the hub has answered.
type delivery struct {
	operation, path, body string
	application, id       string // for the ledger
	state                 string // of a callback
}

var errRefused = errors.New("refused by the hub")

// deliver calls the hub until it accepts or refuses for good, then as many
// times more as the faults say. What the hub refused is in the ledger as
// "refused", a callback that it accepted as "callback".
func (g *Gateway) deliver(ctx context.Context, d delivery) {
	if g.cfg.Env.HubURL == "" {
		return
	}
	delay, duplicates := g.cfg.Faults.Callback(d.operation)
	if !pause(ctx, delay) {
		return
	}
	for range duplicates + 1 {
		for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
			err := g.post(ctx, d)
			if err == nil {
				break
			}
			if errors.Is(err, errRefused) {
				g.logf("%s: %s %s: %v", g.cfg.System, d.operation, d.id, err)
				g.record(mocks.Effect{Operation: "refused", Application: d.application, ID: d.id, Detail: d.operation})
				return
			}
			if !pause(ctx, wait) {
				return
			}
		}
	}
	if d.state != "" {
		g.record(mocks.Effect{Operation: "callback", Application: d.application, ID: d.id, Detail: d.state})
	}
}

func (g *Gateway) record(e mocks.Effect) {
	e.System = g.cfg.System
	if err := g.cfg.Ledger.Record(e); err != nil {
		g.logf("%s: ledger: %v", g.cfg.System, err)
	}
}

// post calls the hub once. A nil error means that the hub has accepted.
func (g *Gateway) post(ctx context.Context, d delivery) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.cfg.Env.HubURL+d.path, strings.NewReader(d.body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	r.Header["SOAPAction"] = []string{`""`}
	r.SetBasicAuth(g.cfg.System, g.cfg.Env.HubToken)
	resp, err := g.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(body); err != nil {
		return fmt.Errorf("status %d without an envelope", resp.StatusCode)
	}
	if fault := doc.FindElement("/Envelope/Body/Fault"); fault != nil {
		code := "?"
		if c := fault.FindElement("./detail/*/errorCode"); c != nil {
			code = c.Text()
		}
		if side := fault.SelectElement("faultcode"); side != nil && strings.HasSuffix(side.Text(), "Client") {
			return fmt.Errorf("%w: %s", errRefused, code)
		}
		return fmt.Errorf("server fault %s", code)
	}
	if resp.StatusCode != http.StatusOK || doc.FindElement("/Envelope/Body/"+d.operation+"Response/response") == nil {
		return fmt.Errorf("status %d without a response", resp.StatusCode)
	}
	return nil
}

// pause waits; false means that ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
