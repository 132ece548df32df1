package control_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/control"
	"kandashub/topics/servertest"
)

// desk is an operator at work, with topics of the test's own.
type desk struct {
	*replicas
	*control.Commands
	audit string // topic
}

func newDesk(t *testing.T, brokers []string, routes ...string) *desk {
	r := newReplicas(t, brokers)
	d := &desk{replicas: r, audit: servertest.Unique("audit")}
	servertest.CreateTopics(t, brokers, 1, r.topic, d.audit)
	for _, name := range routes { // before the cluster is asked for anything: it remembers what there is
		route := topics.Route{Name: name}
		servertest.CreateTopics(t, brokers, 2, name+".in", name+".out", route.ParkedTopic(), route.DeadTopic())
	}
	d.Commands = &control.Commands{
		Cluster: r.cluster, Producer: r.producer, Store: r.open("desk"),
		Audit: control.NewAudit(r.cluster, r.producer).On(d.audit), Routes: routes,
	}
	return d
}

var order = control.Order{Who: "duty", Why: "a test"}

// steps returns what is on record: action and result.
func (d *desk) steps() (out []string) {
	d.t.Helper()
	records, err := control.ReadAuditOf(d.t.Context(), d.cluster, d.audit)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := control.VerifyAudit(records); err != nil {
		d.t.Error(err)
	}
	for _, r := range records {
		out = append(out, r.Action+" "+r.Object+": "+r.Result)
	}
	return out
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) refused(err error, why string) {
	d.t.Helper()
	var r *control.Refusal
	if !errors.As(err, &r) || !strings.Contains(err.Error(), why) {
		d.t.Errorf("%v, want a refusal with %q", err, why)
	}
}

// What an operator says reaches every hub, and each step of it is on record.
func TestCommandsReachEveryHub(t *testing.T) {
	a := servertest.Unique("r")
	d := newDesk(t, servertest.Brokers(t), a)
	hub := d.open("hub")
	ctx := t.Context()
	d.must(d.Pause(ctx, order, a, time.Hour))
	d.must(d.ForceBreaker(ctx, order, a, control.ForceOpen, time.Hour))
	d.caught(hub)
	p, b := hub.State().Pauses[a], hub.State().Breakers[a]
	if p.Owner != "duty" || p.Why != "a test" || p.Until.Sub(p.Since) != time.Hour || b.Force != control.ForceOpen || b.Until.Sub(b.Since) != time.Hour {
		t.Errorf("%+v %+v", p, b)
	}
	d.must(d.Resume(ctx, order, a))
	d.must(d.ReleaseBreaker(ctx, order, a))
	d.caught(hub)
	same(t, hub.State(), control.State{})
	d.refused(d.Resume(ctx, order, a), "no operator has paused")
	d.refused(d.ReleaseBreaker(ctx, order, a), "no operator holds")
	d.refused(d.Pause(ctx, order, "nowhere", 0), "no route nowhere")
	want := []string{
		"pause route " + a + ": asked", "pause route " + a + ": done", "force breaker open " + a + ": asked", "force breaker open " + a + ": done",
		"resume route " + a + ": asked", "resume route " + a + ": done", "release breaker " + a + ": asked", "release breaker " + a + ": done",
		"resume route " + a + ": asked", "resume route " + a + ": refused", "release breaker " + a + ": asked", "release breaker " + a + ": refused",
		"pause route nowhere: asked", "pause route nowhere: refused",
	}
	if got := d.steps(); !slices.Equal(got, want) {
		t.Errorf("on record is %q", got)
	}
}

// What must not be kept for ever is not written down at all.
func TestOrdersHoldNoPersonalData(t *testing.T) {
	a := servertest.Unique("r")
	d := newDesk(t, servertest.Brokers(t), a)
	for why, o := range map[string]control.Order{
		"say who":       {Why: "why"},
		"who wants it":  {Who: "duty", Why: "  "},
		"may be an IIN": {Who: "duty", Why: "the person with 990101200017 asked"},
		"twelve digits": {Who: "990101200017", Why: "why"},
		"phone number":  {Who: "duty", Why: "the applicant on +7 701 000 00 00 asked"},
		"e-mail":        {Who: "duty", Why: "applicant@example.org asked"},
		"at most":       {Who: "duty", Why: strings.Repeat("x", 1001)},
	} {
		d.refused(d.Pause(t.Context(), o, a, 0), why)
	}
	if got := d.steps(); len(got) != 0 {
		t.Errorf("on record is %q", got)
	}
}

// Nor does what a command is said to be about, whatever was put there.
func TestAuditNamesHoldNoPersonalData(t *testing.T) {
	route := servertest.Unique("r")
	d := newDesk(t, servertest.Brokers(t), route)
	id := "rejected.http_422.0f0e0d0c-0b0a-4f0e-8d0c-123456789012"
	for _, name := range []string{id, "990101200017", "Secretova A.", "Secretova", "rejected.http_422.Secretova", strings.Repeat("x", 201)} {
		d.refused(d.Discard(t.Context(), order, route, name), "no unresolved letter")
	}
	d.refused(d.Pause(t.Context(), order, "990101200017", 0), "no route")
	_, err := d.RunPlan(t.Context(), order, control.Run{Action: topics.DecideReplay, Plan: "Secretova A.", Rate: 1})
	d.refused(err, "names no plan")
	_, err = d.RunPlan(t.Context(), order, control.Run{Action: topics.DecideReplay, Plan: "Secretova", Rate: 1})
	d.refused(err, "names no plan")
	_, err = d.RunPlan(t.Context(), order, control.Run{Action: "Secretova", Plan: "m9-4f", Rate: 1})
	d.refused(err, "can be replayed or discarded")
	_, err = d.Payloads(t.Context(), order, control.Filter{Routes: []string{"Secretova A."}, Application: "990101200017", Letters: []string{id, "Secretova"}, Text: "Secretova"})
	d.refused(err, "no route")
	var want []string
	for _, what := range []string{"discard letter " + route + "/" + id, "discard letter " + route + "/[12 bytes]", "discard letter " + route + "/[12 bytes]",
		"discard letter " + route + "/[9 bytes]", "discard letter " + route + "/[27 bytes]",
		"discard letter " + route + "/[201 bytes]", "pause route [iin]", "run plan replay [12 bytes]", "run plan replay [9 bytes]",
		`export payloads {"routes":["[12 bytes]"],"application":"[iin]","letters":["` + id + `","[9 bytes]"]}`} {
		want = append(want, what+": asked", what+": refused")
	}
	if got := d.steps(); !slices.Equal(got, want) {
		t.Errorf("on record is %q, want %q", got, want)
	}
	records, err := control.ReadAuditOf(t.Context(), d.cluster, d.audit)
	d.must(err)
	for _, r := range records {
		if s := string(r.Written()); strings.Contains(s, "Secretova") || strings.Contains(s, "990101200017") {
			t.Errorf("on record is %s", s)
		}
	}
}

// No audit, no effect.
func TestNoAuditNoEffect(t *testing.T) {
	k := ownKafka(t)
	a := servertest.Unique("r")
	d := newDesk(t, k.ListenAddrs(), a)
	k.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		produce := req.(*kmsg.ProduceRequest)
		if produce.Topics[0].Topic != d.audit {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.ProduceResponse)
		topic, partition := kmsg.NewProduceResponseTopic(), kmsg.NewProduceResponseTopicPartition()
		topic.Topic, partition.ErrorCode = d.audit, kerr.InvalidRecord.Code
		topic.Partitions = append(topic.Partitions, partition)
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	if err := d.Pause(t.Context(), order, a, 0); err == nil || !strings.Contains(err.Error(), "nothing was done") {
		t.Errorf("%v", err)
	}
	d.caught(d.Store)
	same(t, d.Store.State(), control.State{})
}

// A loss is accepted once every call from before it must have ended.
func TestAcceptLoss(t *testing.T) {
	d := newDesk(t, servertest.Brokers(t))
	hub := d.open("hub")
	ctx := t.Context()
	d.Settle = 15 * time.Minute
	d.refused(d.AcceptLoss(ctx, order), "no loss")
	noticed := time.Now().Add(-10 * time.Minute)
	d.must(hub.ReportLoss(ctx, control.Loss{At: noticed, Route: "r"}))
	d.refused(d.AcceptLoss(ctx, order), "it can be accepted from "+noticed.Add(d.Settle).UTC().Format(time.RFC3339))
	d.caught(hub)
	if !hub.State().Loss.Standing() {
		t.Error("accepted too early")
	}
	d.Settle = 5 * time.Minute
	d.must(d.AcceptLoss(ctx, order))
	d.caught(hub)
	l := hub.State().Loss
	if l.Standing() || l.AcceptedBy != "duty" || l.Why != "a test" || l.Route != "r" || l.AcceptedAt.Before(noticed) {
		t.Errorf("%+v", l)
	}
	d.refused(d.AcceptLoss(ctx, order), "no loss")
	d.must(hub.ReportLoss(ctx, control.Loss{}))
	if !hub.State().Loss.Standing() {
		t.Error("a second loss does not stand")
	}
}

// Whoever asks for one letter that is not there is refused.
func TestUnknownLetter(t *testing.T) {
	route := servertest.Unique("r")
	d := newDesk(t, servertest.Brokers(t), route)
	d.refused(d.Replay(t.Context(), order, route, "none"), "no unresolved letter")
	d.refused(d.Discard(t.Context(), order, "nowhere", "none"), "no route")
	_, err := d.ShowPayload(t.Context(), order, route, "none", nil)
	d.refused(err, "no unresolved letter")
}

// TestCommandsAreCounted counts a command that was carried out, one that was
// refused, and one that could not be put on record.
func TestCommandsAreCounted(t *testing.T) {
	a := servertest.Unique("r")
	d := newDesk(t, servertest.Brokers(t), a)
	reg := prometheus.NewRegistry()
	metrics := observability.NewMetrics(reg)
	d.Metrics = metrics
	tally := control.NewTally(d.cluster).On(d.audit)
	tally.Metrics = metrics
	d.must(tally.Begin(t.Context()))
	d.must(d.Pause(t.Context(), order, a, time.Hour))
	d.refused(d.Pause(t.Context(), order, "nowhere", time.Hour), "no route")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Pause(over, order, a, time.Hour); err == nil {
		t.Error("a command that cannot be put on record is carried out")
	}
	counting, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- tally.Run(counting) }()
	servertest.Eventually(t, "all is counted", func() bool { return sum(t, reg, "hub_operator_actions_total") == 2 })
	stop()
	d.must(<-ended)
	for series, want := range map[string]float64{"hub_operator_actions_total done": 1, "hub_operator_actions_total refused": 1, "hub_audit_write_failures_total": 1} {
		if got := sum(t, reg, series); got != want {
			t.Errorf("%s is %v, want %v", series, got, want)
		}
	}
}

// sum adds up the series of a counter, with a label of that value if one is given.
func sum(t *testing.T, reg *prometheus.Registry, series string) (n float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	name, value, _ := strings.Cut(series, " ")
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && (value == "" || slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetValue() == value })) {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}
