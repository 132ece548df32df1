package main

import (
	"context"
	"fmt"
	"time"

	"kandashub/cmd/verify/check"
	"kandashub/cmd/verify/load"
	"kandashub/cmd/verify/world"
)

// A scenario is one kind of trouble under load. The faults are those of the
// table in the package comment.
type scenario struct {
	name   string
	about  string
	faults []string // F1, F2, ...

	load   func(p *load.Plan)    // changes the plan of everybody
	long   func(p *load.Plan)    // changes it once more where faults last minutes; may be nil
	lasts  bool                  // the load goes on until the faults are over, if they take longer than it does
	rate   float64               // messages per second; 0: as many as Kafka takes
	config func(c *world.Config) // changes the world
	real   bool                  // only real servers can do it
	fake   bool                  // only the embedded ones can
	points bool                  // the hubs are built with failpoints
	limit  time.Duration         // of the whole scenario; 0: two minutes
	wait   time.Duration         // of nothing moving, until what is missing counts as missing; 0: 20 s
	smoke  bool                  // part of make test

	// act injects the faults while the load flows. When it returns all is well
	// again.
	act func(ctx context.Context, r *run) error

	// after is what people do when the dust has settled; may be nil.
	after func(ctx context.Context, r *run) error

	// mustBite names faults without which the run proves nothing.
	mustBite []string

	// counted says that no hub ends, so that what they count can be held against
	// what the run came to (I10).
	counted bool

	// expect says what else is not as it should be; may be nil.
	expect func(r *run, h *check.History, v *check.Verdict) []string
}

func (s scenario) length() time.Duration {
	if s.limit == 0 {
		return 2 * time.Minute
	}
	return s.limit
}

func (s scenario) patience() time.Duration {
	if s.wait == 0 {
		return 20 * time.Second
	}
	return s.wait
}

// plan is what everybody sends: all three channels, decisions with signatures,
// and people who need an IIN.
func (v *verifier) plan(s scenario, seed int64) load.Plan {
	p := load.Plan{
		Run: fmt.Sprintf("r%x", time.Now().UnixMilli()&0xffffff), Seed: seed,
		Notices: 3000, Applications: 150, Channels: []string{"migration", "egov", "statecorp"}, Signed: 0.1, IINs: 60, Repeats: 0.05,
	}
	if v.Long {
		p.Notices, p.IINs, p.Applications = 10_000, 200, 500
	}
	if s.load != nil {
		s.load(&p)
	}
	if v.Long && s.long != nil {
		s.long(&p)
	}
	if v.KafkaLibs == "" {
		p.Notices, p.IINs = p.Notices/embeddedPart, p.IINs/embeddedPart
		p.Applications = max(10, p.Applications/embeddedPart)
	}
	if s.lasts {
		p.Notices, p.IINs = p.Notices*spare, p.IINs*spare
	}
	return p
}

// spare is how much more load there is where it lasts as long as the faults: on a busy
// machine they take longer, and would find nothing to strike in the end.
const spare = 3

// embeddedPart is by how much the load on the embedded servers is less: the
// embedded Redis runs about 1,500 scripts a second, and a notice that goes
// through the gateway needs sixteen.
const embeddedPart = 8

// rate is how many messages are sent each second.
func (v *verifier) rate(s scenario) float64 {
	if v.KafkaLibs == "" {
		return s.rate / embeddedPart
	}
	return s.rate
}

// world is where a scenario is played.
func (v *verifier) world(s scenario, dir string, seed int64) world.Config {
	c := world.Config{
		Dir: dir, Verify: v.self, Hub: v.Hub, Mocks: v.Mocks, Hubctl: v.Hubctl, Replicas: 3, Seed: seed,
		Env: []string{"HUB_WORKERS=8"},
	}
	if s.points {
		c.Hub = v.pointed
	}
	if v.KafkaLibs != "" {
		c.Real = &world.Real{KafkaLibs: v.KafkaLibs, Brokers: 1, AOF: true}
	}
	if s.config != nil {
		s.config(&c)
	}
	return c
}

// cannot says why a scenario cannot be played here.
func (v *verifier) cannot(s scenario) string {
	switch {
	case s.real && v.KafkaLibs == "":
		return "only a real Kafka and Redis can do this: make verify REAL=1"
	case s.fake && v.KafkaLibs != "":
		return "only the embedded Kafka takes these faults: make verify"
	}
	return ""
}

// pause waits, unless the scenario is over.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
