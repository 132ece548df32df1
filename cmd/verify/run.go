package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"kandashub/cmd/verify/check"
	"kandashub/cmd/verify/load"
	"kandashub/cmd/verify/report"
	"kandashub/cmd/verify/world"
)

// A run is one scenario being played.
type run struct {
	scenario scenario
	world    *world.World
	driver   *load.Driver
	producer *kgo.Client
	admin    *kadm.Client
	sampler  *sampler
	progress *progress
	dir      string
	long     bool
	seed     int64

	mu     sync.Mutex
	bands  []report.Band
	bites  map[string]int
	notes  []string
	healed time.Time
	remade map[string]bool

	kept       map[string][]check.Record // of topics before something was deleted
	forgiven   func(s *check.Send) bool  // what a fault has taken from the hubs
	accepted   int                       // losses of claims
	remembered bool                      // Kafka knows the offsets of a topic that was made again
	audit      error                     // what is wrong with the audit's chain
}

// play brings a world up, lets the load flow and the faults strike, waits until
// nothing moves any more, and decides what came of it.
func (v *verifier) play(ctx context.Context, s scenario, seed int64) (row report.Row) {
	row = report.Row{Scenario: s.name, About: s.about, Faults: s.faults, World: v.worldName(), Seed: seed}
	began := time.Now()
	defer func() { row.Duration = report.Seconds(time.Since(began)) }()
	if why := v.cannot(s); why != "" {
		row.Result, row.Notes = report.NeedsReal, []string{why}
		return row
	}
	r := &run{scenario: s, dir: filepath.Join(v.dir, fmt.Sprintf("%s-%d", s.name, seed)), long: v.Long, seed: seed, bites: map[string]int{}, remade: map[string]bool{}, kept: map[string][]check.Record{}}
	h, err := r.play(ctx, v, seed)
	if err != nil {
		row.Result = report.Failed
		row.Violations = append(row.Violations, report.Violation{Invariant: "-", Name: "the run itself", What: err.Error()})
		if h == nil {
			return row
		}
	}
	r.judge(&row, h)
	if row.Result == report.Passed && !v.Keep {
		_ = os.RemoveAll(r.dir) // a leftover of the temporary folder
	}
	return row
}

func (r *run) play(ctx context.Context, v *verifier, seed int64) (h *check.History, err error) {
	// What an earlier run of the same name has left would be taken for this one's.
	if err := os.RemoveAll(r.dir); err != nil {
		return nil, err
	}
	c := v.world(r.scenario, r.dir, seed)
	if r.world, err = world.Start(ctx, c); err != nil {
		return nil, err
	}
	defer r.world.Close()
	if err := r.prepare(ctx, v.plan(r.scenario, seed), v.rate(r.scenario)); err != nil {
		return nil, err
	}
	defer r.producer.Close()
	background, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { r.sampler.run(background) })
	wg.Go(func() { r.progress.run(background) })

	limited, cancel := context.WithTimeoutCause(ctx, r.scenario.length(), errors.New("the scenario takes too long"))
	defer cancel()
	sent := make(chan error, 1)
	go func() { sent <- r.driver.Run(limited) }()
	err = r.scenario.act(limited, r)
	r.mu.Lock()
	r.healed = time.Now()
	r.mu.Unlock()
	if err == nil {
		if r.scenario.lasts {
			r.driver.Enough(r.driver.Total() / spare)
		}
		err = <-sent
	} else {
		cancel()
		<-sent
	}
	if err == nil {
		err = r.quiet(limited)
	}
	if err == nil && r.scenario.after != nil {
		if err = r.scenario.after(limited, r); err == nil {
			err = r.quiet(limited)
		}
	}
	saveMetrics(ctx, r.world, r.dir)
	if err == nil {
		err = r.term(ctx)
	}
	if err != nil {
		err = fmt.Errorf("%w (%s)", err, r.progress.String())
	}
	h, cerr := r.collect(ctx)
	return h, errors.Join(err, cerr)
}

// prepare makes the load and those who watch.
func (r *run) prepare(ctx context.Context, plan load.Plan, rate float64) (err error) {
	if err := r.world.Ask(ctx, http.MethodPut, "kandas", "/_loose", map[string]bool{"on": true}, nil); err != nil {
		return err
	}
	if r.producer, err = client(r.world, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1),
		kgo.ProducerLinger(0), kgo.ProduceRequestTimeout(5*time.Second), kgo.MaxBufferedRecords(200_000),
		kgo.ProducerBatchCompression(kgo.NoCompression())); err != nil {
		return err
	}
	r.admin = kadm.NewClient(r.producer)
	r.sampler = &sampler{admin: r.admin}
	r.driver = load.NewDriver(plan, rate, r.producer)
	ledgers := map[string]string{}
	for _, name := range r.world.Systems() {
		ledgers[name] = r.world.Ledger(name)
	}
	r.progress = newProgress(r.driver, ledgers)
	return nil
}

// quiet waits until every want is seen and every offset committed, or until
// nothing has moved for long: then what is missing waits for a person, or is
// lost, and the checker says which.
func (r *run) quiet(ctx context.Context) error {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	last, since := -1, time.Now()
	for {
		behind, err := r.sampler.behind(ctx)
		seen, unseen := r.progress.look()
		switch {
		case err == nil && behind == 0 && unseen == 0 && time.Since(r.progress.moved()) > settled:
			return nil
		case seen != last:
			last, since = seen, time.Now()
		case time.Since(since) > r.scenario.patience():
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// settled is how long nothing may happen before a run that has seen everything
// counts as through: what is doubled comes late.
const settled = 1500 * time.Millisecond

// term ends all hubs in good order.
func (r *run) term(ctx context.Context) error {
	var errs []error
	for _, h := range r.world.Hubs {
		if h.Running() {
			errs = append(errs, h.Term(ctx))
		}
	}
	return errors.Join(errs...)
}

// collect gathers what there is to be known of the run.
func (r *run) collect(ctx context.Context) (*check.History, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("collecting takes too long"))
	defer cancel()
	h := &check.History{
		Outcomes: true,
		Sends:    r.driver.Sends(), Routes: routes, Personal: r.driver.Personal(), Writings: writings(r.dir), Remade: r.remade,
	}
	r.sampler.sample(ctx)
	h.Commits, h.Ends = r.sampler.commits, r.sampler.ends()
	var err error
	if h.Records, err = readTopics(ctx, r.world, r.admin); err != nil {
		return h, err
	}
	for topic, records := range r.kept {
		h.Records[topic] = merged(records, h.Records[topic])
	}
	for i := range h.Sends {
		if r.forgiven != nil && r.forgiven(&h.Sends[i]) {
			wants := slices.Clone(h.Sends[i].Wants)
			for j := range wants {
				wants[j].Optional = true
			}
			h.Sends[i].Wants = wants
		}
	}
	if h.Redis, err = readRedis(ctx, r.world.RedisDirect()); err != nil {
		return h, err
	}
	for _, name := range r.world.Systems() {
		effects, _, err := readLedger(r.world.Ledger(name), 0)
		if err != nil {
			return h, err
		}
		h.Effects = append(h.Effects, effects...)
	}
	return h, nil
}

// judge fills the row from the checker's verdict.
func (r *run) judge(row *report.Row, h *check.History) {
	verdict := check.Check(h)
	row.Messages, row.Effects, row.Repeats, row.UnknownSends = verdict.Messages, verdict.Effects, verdict.Repeats, verdict.Unknown
	row.Lost, row.Doubled, row.Disorder = verdict.Lost, verdict.Doubled, verdict.Disorder
	row.Uncertain, row.Letters, row.Personal = verdict.Uncertain, verdict.Letters, verdict.Personal
	for _, x := range verdict.Violations {
		row.Violations = append(row.Violations, report.Violation(x))
	}
	for _, why := range r.expect(h, verdict) {
		row.Violations = append(row.Violations, report.Violation{Invariant: "I9", Name: "not as expected", What: why})
	}
	if r.scenario.counted {
		for _, lie := range metricsAgree(r, h) {
			row.Violations = append(row.Violations, report.Violation{Invariant: "I10", Name: "metrics lie", What: lie})
		}
	}
	row.Timeline = report.PointsOf(check.Timeline(h, 250*time.Millisecond))
	if took, ok := check.Recovery(h, r.healed); ok {
		row.Recovery = report.Seconds(max(0, took))
	}
	slowest, _ := check.Slowest(h)
	row.Slowest = report.Seconds(slowest)
	row.Bands, row.Bit, row.Notes = r.bands, maps.Clone(r.bites), append(row.Notes, r.notes...)
	switch why := r.void(); {
	case len(row.Violations) > 0:
		row.Result = report.Failed
	case why != "":
		row.Result = report.Void
		row.Notes = append(row.Notes, why)
	default:
		row.Result = report.Passed
	}
}
