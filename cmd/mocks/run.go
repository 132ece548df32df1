package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"kandashub/mocks"
	"kandashub/mocks/samples"
)

// quiet is how long nothing may happen before a run counts as through: what is
// doubled comes late.
const quiet = time.Second

// A session is one run: the world, the hub, and the flows between them.
type session struct {
	cmd      *runCmd
	out      io.Writer
	world    *world
	hub      *hubProcess
	flows    []samples.Flow
	ours     map[string]bool // the applications of the flows
	record   *recorder
	timeline *timeline
	duty     *duty
	started  time.Time
	deaths   atomic.Int32

	prometheus prometheus
	trickle    *trickle
	goesOn     atomic.Bool // the flows are through
}

// Run is `mocks run`.
func (c *runCmd) Run(ctx context.Context) error {
	if c.Rate < 0 || c.Rate > 100 {
		return errors.New("--rate is 0 to 100 applications a second")
	}
	for _, b := range []string{c.Hub, c.hubctl()} {
		if _, err := exec.LookPath(b); err != nil {
			return fmt.Errorf("no program at %s: build it first, for example with make build", b)
		}
	}
	dir, remove, err := c.folder()
	if err != nil {
		return err
	}
	keep := false // what a hub has left is of use where it failed
	defer func() { remove(!keep) }()
	w, err := newWorld(ctx, c.world(dir))
	if err != nil {
		return err
	}
	defer w.close()
	s := &session{cmd: c, out: c.out(), world: w, timeline: newTimeline(c.out()), started: time.Now()}
	if s.prometheus, err = c.findPrometheus(w); err != nil {
		return err
	}
	run := strconv.FormatInt(time.Now().UnixMilli(), 36)
	s.flows = samples.Flows(run, c.Seed)
	s.ours = applications(s.flows)
	s.record = newRecorder(s.flows)
	s.trickle = newTrickle(newDriver(w, s.record), s.timeline, run, c.Seed, c.Rate)
	s.hub = &hubProcess{
		binary: c.Hub, env: w.environment(), log: filepath.Join(dir, "hub.log"), ready: "http://" + w.metrics + "/readyz",
		note: func(format string, args ...any) {
			s.deaths.Add(1)
			s.timeline.note(format, args...)
		},
	}
	s.printAddresses()
	err = s.run(ctx)
	keep = err != nil
	return err
}

// run brings everything up, plays the flows, and takes everything down again.
func (s *session) run(ctx context.Context) error {
	if err := s.createTopics(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)

	for _, sys := range s.world.systems {
		sys.Ledger.Watch(s.seen)
	}
	s.duty = &duty{
		migpolice: s.world.system("migpolice"), hubctl: s.hubctl, effect: s.timeline.effect, note: s.timeline.note, pause: 2 * time.Second,
	}
	dead, err := watchLetters(ctx, s.world.kafka, s.seen, func(q question) {
		if s.ours[q.application] {
			wg.Go(func() { s.duty.answer(ctx, q) })
		}
	})
	if err != nil {
		return err
	}
	background := func(f func(context.Context) error) {
		wg.Go(func() {
			if err := f(ctx); err != nil {
				cancel(err)
			}
		})
	}
	background(func(ctx context.Context) error { dead.run(ctx); return nil })
	background(s.world.run)
	began := time.Now()
	background(s.hub.run)
	if s.prometheus.path != "" {
		wg.Go(func() {
			if err := s.prometheus.run(ctx); err != nil {
				s.timeline.note("%v", err) // the hub needs it for nothing
			}
		})
	}

	if err := s.waitReady(ctx); ctx.Err() != nil {
		return s.interrupted(ctx)
	} else if err != nil {
		return err
	}
	s.timeline.note("the hub is ready %.2f s after its start", time.Since(began).Seconds())
	played := s.play(ctx)
	if ctx.Err() != nil {
		return s.interrupted(ctx)
	}
	if err := s.report(played); err != nil || s.cmd.Once {
		return err
	}
	s.goOn(ctx)
	return s.interrupted(ctx)
}

// applications are the ids of all that are filed.
func applications(flows []samples.Flow) map[string]bool {
	ids := map[string]bool{}
	for _, f := range flows {
		for _, a := range f.Applications {
			ids[a.ApplicationID] = true
		}
	}
	return ids
}

// seen passes on an effect that concerns this run's applications: real
// servers may hold those of earlier runs.
func (s *session) seen(e mocks.Effect) {
	ours := s.ours[e.Application]
	if ours {
		s.record.add(e)
	}
	if ours || e.Application == "" && !s.goesOn.Load() { // eds is not told of applications
		s.timeline.effect(e)
	}
	s.trickle.seen(e)
}

// createTopics makes what topics are missing, with as many replicas as there
// are brokers, three at most.
func (s *session) createTopics(ctx context.Context) error {
	brokers, err := countBrokers(ctx, s.world.kafka)
	if err != nil {
		return fmt.Errorf("create the topics: %w", err)
	}
	if err := s.hubctl(ctx, "topics", "create", "--replication", strconv.Itoa(min(3, brokers))); err != nil {
		return fmt.Errorf("create the topics: %w", err)
	}
	return nil
}

// hubctl runs the operator's program against this world.
func (s *session) hubctl(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, s.cmd.hubctl(), args...)
	cmd.Env = append(os.Environ(), s.world.environment()...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w; hubctl says: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

func (s *session) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, errors.New("30 s have passed"))
	defer cancel()
	return s.hub.waitReady(ctx)
}

// kill ends the hub as a power cut would, as often as it was asked for: once
// when about a third of the effects have been seen, twice at a quarter and a
// half.
func (s *session) kill(ctx context.Context) {
	for i := range s.cmd.Kill {
		if s.record.waitPart(ctx, i+1, s.cmd.Kill+2) != nil {
			return // the run is over
		}
		s.timeline.note("SIGKILL to the hub")
		s.hub.kill()
		if s.waitReady(ctx) != nil {
			return // the next one must not strike the dead
		}
	}
}

func (s *session) showProgress(ctx context.Context) {
	every := 5 * time.Second
	if s.timeline.terminal {
		every = 200 * time.Millisecond
	}
	t := time.NewTicker(every)
	defer t.Stop()
	defer s.timeline.clear()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		reached, total := s.record.progress()
		s.timeline.progress(reached, total, int(s.deaths.Load()), s.started)
	}
}

// play feeds the flows and waits until all are through, or the time is up.
func (s *session) play(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.cmd.Timeout, fmt.Errorf("%s have passed", s.cmd.Timeout))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { s.showProgress(ctx) })
	wg.Go(func() { s.kill(ctx) })
	if err := newDriver(s.world, s.record).play(ctx, s.flows); err != nil {
		return err
	}
	return s.record.waitQuiet(ctx, quiet)
}

// report prints what came of each flow. It returns an error if a run that is to
// end is not through.
func (s *session) report(played error) error {
	var alarms []string
	if played != nil {
		alarms = append(alarms, played.Error())
	}
	if n := s.world.register.SecondIINs(); n > 0 {
		alarms = append(alarms, fmt.Sprintf("%d persons were given a second IIN", n))
	}
	fmt.Fprintln(s.out)
	var excused map[string]bool
	if s.deaths.Load() > 0 { // a generation may have been cut off between claim and call
		excused = s.duty.lost()
	}
	ok := printReport(s.out, compare(s.flows, s.record.all(), excused), alarms)
	fmt.Fprintln(s.out, "\n"+s.duty.summary())
	fmt.Fprintf(s.out, "%.1f s since start; the hub died %d times.\n", time.Since(s.started).Seconds(), s.deaths.Load())
	if s.cmd.Once && !ok {
		return fmt.Errorf("not all flows are through; the hub's log is %s", s.hub.log)
	}
	return nil
}

// interrupted returns what ended a run: nil for Ctrl-C, unless the run was to
// say whether all flows are through.
func (s *session) interrupted(ctx context.Context) error {
	switch err := context.Cause(ctx); {
	case !errors.Is(err, context.Canceled):
		return err
	case s.cmd.Once:
		reached, total := s.record.progress()
		return fmt.Errorf("stopped after %d of %d expected effects", reached, total)
	}
	return nil
}

// printAddresses prints where everything is.
func printAddresses(out io.Writer, w *world, more ...string) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range w.table() {
		fmt.Fprintf(t, "%s\t%s\n", row[0], row[1])
	}
	for i := 0; i+1 < len(more); i += 2 {
		fmt.Fprintf(t, "%s\t%s\n", more[i], more[i+1])
	}
	fmt.Fprintf(t, "%s\t%s\n", "ledgers and data", w.dir)
	t.Flush()
	fmt.Fprintln(out)
}
