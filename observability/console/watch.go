package console

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/control"
	"kandashub/topics/inspect"
)

const (
	// lookEvery is how often Kafka is asked while somebody looks, and countEvery
	// how often what is parked is counted, at most.
	lookEvery, countEvery = 2 * time.Second, 10 * time.Second

	// attention is how long somebody counts as looking after a page.
	attention = 15 * time.Second

	// lookTime bounds one look.
	lookTime = 8 * time.Second
)

// The states of a route. The words of breakers are their own.
const (
	stateRunning = "running"
	statePaused  = "paused"
	stateFailed  = "failed" // stopped for good: a person has to look
	stateAbsent  = "absent" // no hub runs it
	stateUnknown = "unknown"
)

// A snapshot is what the pages show of all routes at one moment.
type snapshot struct {
	At      time.Time
	Routes  []routeView // as the routing table has them
	Topics  map[string]topicView
	Groups  []inspect.Group
	Problem string // why Kafka could not be asked; the rest is older then
}

// A routeView is one route at one moment.
type routeView struct {
	Route
	State        string
	Pauses       []topics.Pause
	Wanted       *control.Pause // an operator's
	Rate         float64        // messages finished a second, by all hubs
	Lag          int64
	Oldest       time.Time // of the unfinished
	Parked, Keys int
	Letters      int
	OldestLetter time.Time
	Members      int
	Here         bool // this process runs it
	Committed    time.Time
	Joined       int
	Breaker      Breaker
	Held         *control.Breaker // by an operator
}

// A topicView is one topic at one moment.
type topicView struct {
	Rate   float64 // messages written a second
	Lag    int64
	Oldest time.Time
}

// A watch asks Kafka while somebody looks, once for all who look.
type watch struct {
	console *Console

	mu      sync.Mutex
	last    snapshot
	wanted  time.Time     // until when somebody looks
	wake    chan struct{} // somebody begins to look; of one place
	changed chan struct{} // closed at the next look

	// Of run alone.
	parked  map[string]map[string]int // by route and application
	countAt time.Time                 // when to count next
	speed   speeds
}

func newWatch(c *Console) *watch {
	return &watch{console: c, wake: make(chan struct{}, 1), changed: make(chan struct{}), parked: map[string]map[string]int{}, speed: speeds{}}
}

// attend says that somebody looks, and returns what is known and a channel that
// is closed once more is.
func (w *watch) attend() (snapshot, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wanted = time.Now().Add(attention)
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return w.last, w.changed
}

// now returns a snapshot that is not older than a few seconds. It waits for one
// where nobody has looked for a while.
func (w *watch) now(ctx context.Context) snapshot {
	ctx, cancel := context.WithTimeout(ctx, lookTime+time.Second)
	defer cancel()
	for {
		s, changed := w.attend()
		if time.Since(s.At) < 3*lookEvery || s.Problem != "" {
			return w.wish(s)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return w.wish(s)
		}
	}
}

// wish returns a snapshot with what operators want at this moment: who has just
// paused a route sees it paused.
func (w *watch) wish(s snapshot) snapshot {
	state := w.console.cfg.Commands.Store.State()
	s.Routes = slices.Clone(s.Routes)
	for i := range s.Routes {
		r := &s.Routes[i]
		r.Wanted, r.Held = nil, nil
		if p, ok := state.Pauses[r.Name]; ok {
			r.Wanted = &p
		}
		if b, ok := state.Breakers[r.Name]; ok {
			r.Held = &b
		}
		r.State = stateOf(*r)
	}
	return s
}

// run looks while somebody does, until ctx ends.
func (w *watch) run(ctx context.Context) error {
	every := time.NewTicker(lookEvery)
	defer every.Stop()
	w.attend() // so that the letters have been read before the first page
	for {
		w.mu.Lock()
		looking := time.Now().Before(w.wanted)
		w.mu.Unlock()
		if looking {
			w.look(ctx)
		}
		next := every.C
		if !looking {
			next = nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-next:
		case <-w.sleeping(looking):
		}
	}
}

// sleeping is what wakes a watch at which nobody looks; nil while somebody does.
func (w *watch) sleeping(looking bool) <-chan struct{} {
	if looking {
		return nil
	}
	return w.wake
}

// look asks once and tells those who look.
func (w *watch) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	w.mu.Lock()
	before := w.last
	w.mu.Unlock()
	next, err := w.take(ctx)
	if err != nil {
		next = before
		next.Problem = observability.Mask(err.Error())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = next
	close(w.changed)
	w.changed = make(chan struct{})
}

// take makes a snapshot.
func (w *watch) take(ctx context.Context) (snapshot, error) {
	c := w.console
	groups, err := inspect.Groups(ctx, c.cfg.Commands.Cluster, c.cfg.Contract)
	if err != nil {
		return snapshot{}, err
	}
	ends, err := w.ends(ctx)
	if err != nil {
		return snapshot{}, err
	}
	if err := c.letters.read(ctx); err != nil {
		return snapshot{}, err
	}
	if err := w.count(ctx); err != nil {
		return snapshot{}, err
	}
	s := snapshot{At: time.Now(), Groups: groups, Topics: map[string]topicView{}}
	for topic, end := range ends {
		s.Topics[topic] = topicView{Rate: w.speed.rate("topic "+topic, end, s.At)}
	}
	w.routes(&s)
	return w.wish(s), nil
}

// routes adds all routes to a snapshot that has its groups.
func (w *watch) routes(s *snapshot) {
	c := w.console
	letters := c.letters.unresolved()
	local := map[string]Local{}
	for _, l := range c.cfg.Local() {
		local[l.Route] = l
	}
	for _, r := range c.cfg.Routes {
		v := routeView{Route: r, Letters: letters[r.Name].Letters, OldestLetter: letters[r.Name].Oldest, Keys: len(w.parked[r.Name])}
		for _, n := range w.parked[r.Name] {
			v.Parked += n
		}
		if i := slices.IndexFunc(s.Groups, func(g inspect.Group) bool { return g.Route == r.Name }); i >= 0 {
			w.measure(s, &v, s.Groups[i])
		}
		var here Local
		here, v.Here = local[r.Name]
		v.Pauses, v.Breaker, v.Committed, v.Joined = here.Pauses, here.Breaker, here.Committed, here.Joined
		s.Routes = append(s.Routes, v)
	}
}

// measure adds lag and rate of a route's group.
func (w *watch) measure(s *snapshot, v *routeView, g inspect.Group) {
	v.Members = len(g.Members)
	v.Lag, v.Oldest = g.Lag()
	done := int64(0)
	for _, p := range g.Partitions {
		done += max(0, p.Committed)
		t := s.Topics[p.Topic]
		t.Lag += p.Lag
		if !p.Oldest.IsZero() && (t.Oldest.IsZero() || p.Oldest.Before(t.Oldest)) {
			t.Oldest = p.Oldest
		}
		s.Topics[p.Topic] = t
	}
	v.Rate = w.speed.rate("route "+v.Name, done, s.At)
}

// stateOf says in one word how a route is.
func stateOf(v routeView) string {
	switch {
	case slices.ContainsFunc(v.Pauses, func(p topics.Pause) bool { return p.Reason == topics.PauseStopped }):
		return stateFailed
	case v.Members == 0:
		return stateAbsent
	case v.Wanted != nil || slices.ContainsFunc(v.Pauses, func(p topics.Pause) bool { return p.Reason != topics.PauseOperator }):
		return statePaused
	}
	return stateRunning
}

// ends returns the sum of the end offsets of each topic that a route reads or
// writes.
func (w *watch) ends(ctx context.Context) (map[string]int64, error) {
	var names []string
	for _, r := range w.console.cfg.Routes {
		names = append(append(names, r.Sources...), r.Writes...)
	}
	_, ends, err := w.console.cfg.Commands.Cluster.AllBounds(ctx, names...)
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	for topic, ps := range ends {
		for end := range maps.Values(ps) {
			out[topic] += end
		}
	}
	return out, nil
}

// count counts what is parked. That reads the parked topics, so it takes at most
// a twentieth of the time.
func (w *watch) count(ctx context.Context) error {
	began := time.Now()
	if began.Before(w.countAt) {
		return nil
	}
	for _, r := range w.console.cfg.Routes {
		followers, err := topics.ReadFollowers(ctx, w.console.cfg.Commands.Cluster, topics.Route{Name: r.Name})
		if err != nil {
			return err
		}
		w.parked[r.Name] = followers
	}
	w.countAt = began.Add(max(countEvery, 20*time.Since(began)))
	return nil
}
