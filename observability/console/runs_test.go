package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"kandashub/observability"
	"kandashub/topics/control"
	"kandashub/topics/servertest"
)

// again is the same form from another tab.
func again(form url.Values) url.Values {
	out := url.Values{}
	for name, values := range form {
		out[name] = slices.Clone(values)
	}
	out.Set("request", uuid.NewString())
	return out
}

// slow is a form that carries out a plan of all letters, for longer than a test.
func (p *person) slow() url.Values {
	p.t.Helper()
	form, _ := p.planned("replay", "all")
	form.Set("rate", "0.01")
	return form
}

// A plan that two tabs carry out at once is carried out by the first; the second
// is told by which run. Sent twice by one tab it is one run.
func TestOnePlanOneRun(t *testing.T) {
	w := newWorld(t, nil)
	w.seed(20)
	p := w.enters("operator")
	form := p.slow()
	status, location, page := p.post("/runs", form)
	if status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", status, main(page))
	}
	if status, to, page := p.post("/runs", form); status != http.StatusSeeOther || to != location {
		t.Errorf("the same form again: %d, %s\n%s", status, to, main(page))
	}
	status, _, page = p.post("/runs", again(form))
	says := fmt.Sprintf("Plan %s is being carried out already, by run %s", form.Get("plan"), strings.TrimPrefix(location, "/runs/"))
	if status != http.StatusConflict || !strings.Contains(page, observability.Mask(says)) {
		t.Errorf("another tab: %d\n%s", status, main(page))
	}
	if n := strings.Count(p.get("/runs"), `href="/runs/`); n != 1 {
		t.Errorf("%d runs are listed", n)
	}
}

// Once the process ends no run begins, and one that is under way has ended, on
// record, when the console has.
func TestRunsAtShutdown(t *testing.T) {
	w := newWorld(t, nil)
	w.seed(20)
	p := w.enters("operator")
	form := p.slow()
	if status, _, page := p.post("/runs", form); status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", status, main(page))
	}
	servertest.Eventually(t, "it is under way", func() bool { // one that ends before it was asked leaves no record
		steps, err := w.auditSteps()
		return err == nil && len(steps) == 1
	})
	w.shutDown()
	steps, err := w.auditSteps()
	if err != nil || len(steps) != 2 || !strings.HasSuffix(steps[0], control.Asked) || !strings.HasSuffix(steps[1], control.Failed) {
		t.Errorf("on record is %q, %v", steps, err)
	}
	status, _, page := p.post("/runs", again(form))
	if status != http.StatusConflict || !strings.Contains(page, "shutting down") {
		t.Errorf("a run after the end: %d\n%s", status, main(page))
	}
	if now, err := w.auditSteps(); err != nil || len(now) != len(steps) {
		t.Errorf("on record is %q, %v", now, err)
	}
}

// What the hub has refused to carry out is told with its reason, on the page of the
// run and on that of the letter, which still waits for a decision.
func TestRefusedDecisionsAreTold(t *testing.T) {
	w := newWorld(t, nil)
	w.seed(2)
	l := w.letters(2)[0]
	p := w.enters("operator")
	form := p.slow()
	status, location, page := p.post("/runs", form)
	if status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", status, main(page))
	}
	refusal := kafka.Record{Key: kafka.NewBytes(l.Record.Key)}
	for _, h := range [][2]string{{"hub_kind", "refused"}, {"hub_letter", l.ID}, {"hub_decision", "replay"}, {"hub_who", "duty"}, {"hub_why", "a test"},
		{"hub_decision_id", control.PlanDecision(form.Get("plan"), route, l.ID)}, {"hub_reason", "the letter cannot be read"}} {
		refusal.Headers = append(refusal.Headers, kafka.Header{Key: h[0], Value: []byte(h[1])})
	}
	if _, err := w.producer.Append(t.Context(), route+".dead", l.Record.Partition, refusal); err != nil {
		t.Fatal(err)
	}
	page = p.get(location)
	p.has(page, ">refused by the hub<")
	p.has(page, "the letter cannot be read")
	p.has(page, ">not decided<") // the other one
	page = p.get(letterURL(l.ID))
	p.has(page, "Decisions that the hub refused")
	p.has(page, `<td class="reason" data-label="Why refused">the letter cannot be read</td>`)
	p.has(page, "waits for a decision")
}

// A letter that Kafka has deleted can be discarded on its page, and not replayed.
func TestALetterThatIsGone(t *testing.T) {
	w := newWorld(t, nil)
	w.startHub()
	w.send("egov-1")
	l := w.letters(1)[0]
	p := w.enters("operator")
	p.has(p.get(letterURL(l.ID)), `id="replay"`)
	servertest.DeleteRecords(t, w.brokers, route+".dead", l.Record.Partition, l.Record.Offset+1)
	var page string
	servertest.Eventually(t, "it is known that it is gone", func() bool {
		_, _, page = p.do(http.MethodGet, letterURL(l.ID), nil)
		return strings.Contains(page, "Kafka has deleted this letter before it was decided, and its message with it. It can only be discarded.")
	})
	p.has(page, `id="discard"`)
	p.hasNot(page, `id="replay"`)
	status, _, page := p.post(letterURL(l.ID)+"/discard", order())
	if status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", status, main(page))
	}
	w.letters(0)
}
