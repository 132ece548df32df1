package main

import (
	"slices"
	"strings"
	"testing"

	"kandashub/topics"
	"kandashub/topics/contract"
	"kandashub/topics/payload"
)

// TestRoutesFitTheContract holds the routing table against asyncapi.yaml, both
// ways, and names each row that does not fit.
func TestRoutesFitTheContract(t *testing.T) {
	c, err := contract.Load()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]route{}
	for _, r := range routes {
		if _, twice := byName[r.name]; twice {
			t.Errorf("route %s: there are two rows", r.name)
		}
		byName[r.name] = r
	}
	for _, r := range routes {
		for _, topic := range r.reads {
			ch, ok := c.Topic(topic)
			if !ok {
				t.Errorf("route %s reads %s, which the contract does not have", r.name, topic)
			} else if !slices.Contains(ch.Readers, r.name) {
				t.Errorf("route %s reads %s, whose readers are %v", r.name, topic, ch.Readers)
			} else if ch.Partitions != 0 {
				t.Errorf("route %s reads %s, which has %d partitions and not HUB_PARTITIONS", r.name, topic, ch.Partitions)
			}
		}
		for _, topic := range r.writes {
			ch, ok := c.Topic(topic)
			if !ok {
				t.Errorf("route %s writes %s, which the contract does not have", r.name, topic)
			} else if ch.Writer != topics.SourceHub || !slices.Contains(ch.Sources, topics.SourceHub) {
				t.Errorf("route %s writes %s, whose writer is %s and whose sources are %v", r.name, topic, ch.Writer, ch.Sources)
			}
		}
		for _, suffix := range []string{".parked", ".dead"} {
			largest := 0
			beside, ok := c.Topic(r.name + suffix)
			if !ok {
				t.Errorf("route %s has no topic %s", r.name, r.name+suffix)
				continue
			}
			for _, topic := range r.reads {
				source, _ := c.Topic(topic)
				largest = max(largest, source.MaxBytes)
			}
			if beside.Partitions != 0 || beside.Config["retention.ms"] != "-1" || beside.Config["cleanup.policy"] != "delete" ||
				beside.Writer != topics.SourceHub || !slices.Equal(beside.Readers, []string{r.name}) {
				t.Errorf("%s: %+v; it must have HUB_PARTITIONS, be kept without limit, and belong to its route", beside.Name, beside)
			}
			if beside.MaxBytes < largest+64<<10 {
				t.Errorf("%s takes %d bytes, and the largest source message has %d: no room for 64 KiB of headers", beside.Name, beside.MaxBytes, largest)
			}
		}
		if !slices.ContainsFunc(systems, func(s system) bool { return s.name == r.system }) {
			t.Errorf("route %s calls %s, which has no row in systems", r.name, r.system)
		}
	}
	for _, ch := range c.Topics() {
		name, parked := strings.CutSuffix(ch.Name, ".parked")
		name, dead := strings.CutSuffix(name, ".dead")
		if _, ok := byName[name]; (parked || dead) && !ok {
			t.Errorf("%s belongs to no route", ch.Name)
		}
		for _, reader := range ch.Readers {
			r, ok := byName[reader]
			switch {
			case !ok && reader != topics.SourceHub && !slices.ContainsFunc(systems, func(s system) bool { return s.name == reader }):
				t.Errorf("%s is read by %s, which is neither a route nor a system", ch.Name, reader)
			case ok && !parked && !dead && !slices.Contains(r.reads, ch.Name):
				t.Errorf("%s is read by route %s, whose row does not say so", ch.Name, reader)
			}
		}
		for _, source := range ch.Sources {
			if i := slices.IndexFunc(systems, func(s system) bool { return s.name == source }); source != topics.SourceHub && (i < 0 || !systems[i].caller) {
				t.Errorf("%s takes messages of %s, which has no row in systems as a caller", ch.Name, source)
			}
		}
		if written := slices.ContainsFunc(routes, func(r route) bool { return slices.Contains(r.writes, ch.Name) }); len(ch.Types) > 0 && slices.Equal(ch.Sources, []string{topics.SourceHub}) && !written {
			t.Errorf("%s is the hub's, and no route writes it", ch.Name)
		}
	}
}

// TestRoutesKnowTheirTypes looks at each type on each source of a route: its
// rule knows it, and the events of kandas are all told.
func TestRoutesKnowTheirTypes(t *testing.T) {
	c, err := contract.Load()
	if err != nil {
		t.Fatal(err)
	}
	events, _ := c.Topic("kandas.events")
	for _, ceType := range events.Types {
		if _, ok := eventKinds[ceType]; !ok {
			t.Errorf("route verify has no kind for %s, which stands on kandas.events", ceType)
		}
	}
	for ceType := range eventKinds {
		if !slices.Contains(events.Types, ceType) {
			t.Errorf("route verify knows %s, which is not on kandas.events", ceType)
		}
	}
	for _, row := range []struct {
		topic string
		types []string // that the rules write
	}{
		{"gbdfl.lookups", []string{payload.TypeIINLookup}},
		{"migpolice.generations", []string{payload.TypeIINGeneration}},
		{"iin.results", []string{payload.TypeIINResult}},
		{"kandas.rejections", []string{payload.TypeSignatureRejected}},
		{"egov.applications", []string{payload.TypeEgovSubmitted}},
		{"egov.receipts", []string{payload.TypeEgovReceipt}},
		{"statecorp.applications", []string{payload.TypeStatecorpSubmitted}},
		{"statecorp.receipts", []string{payload.TypeStatecorpReceipt}},
		{"statecorp.certificate-requests", []string{payload.TypeCertRequested}},
	} {
		ch, ok := c.Topic(row.topic)
		if !ok || !slices.Equal(ch.Types, row.types) {
			t.Errorf("%s holds %v, and the hub writes %v", row.topic, ch.Types, row.types)
		}
	}
	for _, r := range routes {
		for _, topic := range r.writes {
			ch, _ := c.Topic(topic)
			switch {
			case strings.HasSuffix(topic, ".notifications") && !slices.Equal(ch.Types, []string{payload.TypeNotification}),
				strings.HasSuffix(topic, ".accepted") && !slices.Equal(ch.Types, []string{payload.TypeDeliveryRecorded}):
				t.Errorf("%s holds %v, which route %s does not write", topic, ch.Types, r.name)
			}
		}
	}
}

// TestRoutesAreWhatTheirRowsSay builds every route, and looks that its series
// exist from the start.
func TestRoutesAreWhatTheirRowsSay(t *testing.T) {
	w := newWorld(t)
	cfg, err := loadConfig(w.environ, routingPlan())
	if err != nil {
		t.Fatal(err)
	}
	h, err := newHub(cfg, w.log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	if len(h.routes) != len(routes) {
		t.Fatalf("%d of %d routes are built", len(h.routes), len(routes))
	}
	for i, r := range h.routes {
		op := r.Operation
		if r.Name != routes[i].name || op.System != routes[i].system || op.Effect != routes[i].effect || op.Do == nil || op.Name == "" {
			t.Errorf("route %s: row %s (%s), rule %s (%s)", routes[i].name, routes[i].system, routes[i].effect, op.System, op.Effect)
		}
		if (op.Effect == topics.C2 || op.Effect == topics.C3) && (op.Settle <= 0 || op.Ask == nil) {
			t.Errorf("route %s is %s: it needs Ask and Settle", r.Name, op.Effect)
		}
		if op.Markers != nil && (op.Freed == nil || op.Taken == nil) {
			t.Errorf("route %s has markers: it needs Freed and Taken", r.Name)
		}
	}
	found, err := h.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := map[string]bool{}
	for _, f := range found {
		for _, m := range f.Metric {
			for _, l := range m.Label {
				series[f.GetName()+" "+l.GetName()+"="+l.GetValue()] = true
			}
		}
	}
	for _, r := range routes {
		if want := "hub_messages_final_total route=" + r.name; !series[want] {
			t.Errorf("no series %s before the first message", want)
		}
		if want := "hub_external_requests_total system=" + r.system; !series[want] {
			t.Errorf("no series %s before the first call", want)
		}
	}
}
