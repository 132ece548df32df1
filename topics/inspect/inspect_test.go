package inspect_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/claims"
	"kandashub/topics/contract"
	"kandashub/topics/control"
	"kandashub/topics/inspect"
	"kandashub/topics/servertest"
)

// site is a route of the test's own, which a hub runs once it is started.
type site struct {
	t        *testing.T
	cluster  *topics.Cluster
	producer *topics.Producer
	route    topics.Route
	down     atomic.Bool // the system answers nothing
}

func newSite(t *testing.T) *site {
	brokers := servertest.Brokers(t)
	name := servertest.Unique("r")
	s := &site{t: t, route: topics.Route{Name: name, Sources: []string{name + ".in"}}}
	s.route.Operation = topics.Operation{System: "test", Name: "do", Effect: topics.C1, Do: s.do}
	servertest.CreateTopics(t, brokers, 2, s.route.Sources[0], s.route.ParkedTopic(), s.route.DeadTopic())
	s.cluster = topics.NewCluster(brokers)
	t.Cleanup(s.cluster.Close)
	s.producer = topics.NewProducer(s.cluster, 5*time.Second, nil)
	return s
}

// do refuses the first message of each application.
func (s *site) do(_ context.Context, m topics.Message) ([]topics.Reply, error) {
	switch {
	case s.down.Load():
		return nil, topics.Fail(topics.Unavailable, "connect", "down")
	case m.ID == m.Subject+"-0":
		return nil, topics.Fail(topics.Rejected, "http_422", "refused")
	}
	return nil, nil
}

// send writes messages of an application.
func (s *site) send(application string, n ...int) {
	s.t.Helper()
	for _, n := range n {
		m := topics.Message{ID: fmt.Sprint(application, "-", n), Type: "test.order.v1", Source: "test", Subject: application,
			Time: time.Now(), Data: json.RawMessage(`{}`)}
		if err := s.producer.Publish(s.t.Context(), s.route.Sources[0], m); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *site) start() {
	store := claims.NewStore(servertest.Redis(s.t), claims.Config{Lease: 3 * time.Second, Keep: time.Hour})
	s.t.Cleanup(store.Close)
	c := &topics.Consumer{
		Cluster: s.cluster, Partitions: 2, Workers: 8, Window: 100, WindowBytes: 1 << 20, Bytes: new(atomic.Int64),
		Session: 6 * time.Second, Rebalance: 10 * time.Second,
		Delivery: &topics.Delivery{
			Route: s.route, Claims: store, Producer: s.producer, Gate: topics.NewGate(steady{make(chan struct{})}, nil),
			Timing: topics.Timing{Call: time.Second, Lease: 3 * time.Second, Drain: time.Second, ParkAfter: time.Minute,
				BackoffLeast: 10 * time.Millisecond, BackoffMost: 100 * time.Millisecond},
			Check:   func(string, topics.Message) (string, error) { return "", nil },
			Lease:   func(ctx context.Context, _ time.Time) context.Context { return ctx },
			Metrics: observability.NewMetrics(nil).Route("route"), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: time.Now,
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("the hub ended with: %v", err)
		}
	})
}

// steady is a breaker that admits everything.
type steady struct{ changed chan struct{} }

func (steady) Admit() (func(error), time.Duration, bool) { return func(error) {}, 0, true }
func (steady) Open() bool                                { return false }
func (b steady) Changed() <-chan struct{}                { return b.changed }

func (s *site) group() inspect.Group {
	s.t.Helper()
	groups, err := inspect.GroupsOf(s.t.Context(), s.cluster, s.route)
	if err != nil {
		s.t.Fatal(err)
	}
	return groups[0]
}

func (s *site) look(wanted control.State) inspect.Route {
	s.t.Helper()
	routes, err := inspect.RoutesOf(s.t.Context(), s.cluster, wanted, s.route)
	if err != nil {
		s.t.Fatal(err)
	}
	return routes[0]
}

// Before a hub has run, all that was written is unfinished; while one runs, its
// partitions are named; what is not finished keeps its lag and its age.
func TestGroups(t *testing.T) {
	s := newSite(t)
	before := time.Now().Add(-time.Minute)
	s.send("app-1", 1, 2)
	g := s.group()
	lag, oldest := g.Lag()
	if g.Route != s.route.Name || g.Name != "hub."+s.route.Name || len(g.Members) != 0 || lag != 2 || oldest.Before(before) {
		t.Errorf("before a hub has run: %+v", g)
	}
	if len(g.Partitions) != 2 || g.Partitions[0].Committed != -1 || g.Partitions[0].Member != "" {
		t.Errorf("partitions %+v", g.Partitions)
	}
	if r := s.look(control.State{}); r.State != inspect.Absent || r.Lag != 2 || !r.Oldest.Equal(oldest) {
		t.Errorf("%+v", r)
	}

	s.start()
	servertest.Eventually(t, "all is finished", func() bool { lag, _ := s.group().Lag(); return lag == 0 })
	g = s.group()
	if g.State != "Stable" || len(g.Members) != 1 || !slices.Equal(g.Members[0].Partitions, []int{0, 1}) || g.Members[0].Host == "" {
		t.Errorf("while a hub runs: %+v", g)
	}
	for _, p := range g.Partitions {
		if p.Member != g.Members[0].ID || !p.Oldest.IsZero() || p.End > 0 && p.Committed != p.End {
			t.Errorf("partition %+v", p)
		}
	}

	s.down.Store(true)
	s.send("app-1", 3)
	g = s.group()
	lag, oldest = g.Lag()
	if lag != 1 || oldest.Before(before) {
		t.Errorf("while the system is down: %+v", g)
	}
	s.down.Store(false)
	servertest.Eventually(t, "all is finished", func() bool { lag, _ := s.group().Lag(); return lag == 0 })
}

// What waits for people, and behind what does, is counted; an operator's pause
// shows whether or not a hub runs.
func TestRoutes(t *testing.T) {
	s := newSite(t)
	s.start()
	s.send("app-1", 0, 1, 2)
	s.send("app-2", 0, 1)
	s.send("app-3", 1)
	servertest.Eventually(t, "letters and what they hold", func() bool {
		r := s.look(control.State{})
		return r.Letters == 2 && r.Parked == 3 && r.Lag == 0
	})
	wanted := control.State{
		Pauses:   map[string]control.Pause{s.route.Name: {Route: s.route.Name, Owner: "duty"}},
		Breakers: map[string]control.Breaker{s.route.Name: {Route: s.route.Name, Force: control.ForceOpen}},
	}
	r := s.look(wanted)
	if r.State != inspect.Paused || r.Pause.Owner != "duty" || r.Breaker.Force != control.ForceOpen || r.Members != 1 || r.ParkedKeys != 2 || r.OldestLetter.IsZero() {
		t.Errorf("%+v", r)
	}
	if r := s.look(control.State{}); r.State != inspect.Unknown || r.Pause != nil || r.Breaker != nil {
		t.Errorf("%+v", r)
	}
	letters, err := topics.ReadLetters(t.Context(), s.cluster, s.route)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range letters {
		if err := s.producer.Decide(t.Context(), l, topics.DecideDiscard, fmt.Sprint("d-", i), "duty", "a test"); err != nil {
			t.Fatal(err)
		}
	}
	servertest.Eventually(t, "nothing waits", func() bool {
		r := s.look(control.State{})
		return r.Letters == 0 && r.Parked == 0 && r.ParkedKeys == 0 && r.OldestLetter.IsZero()
	})
}

// asAgreed makes a cluster with all topics of the contract.
func asAgreed(t *testing.T, partitions int) (agreed *contract.Contract, cluster *topics.Cluster, brokers []string) {
	t.Helper()
	agreed, err := contract.Load()
	if err != nil {
		t.Fatal(err)
	}
	brokers = servertest.Brokers(t)
	cluster = topics.NewCluster(brokers)
	t.Cleanup(cluster.Close)
	if _, err := agreed.Create(t.Context(), cluster.Client, partitions, 1); err != nil {
		t.Fatal(err)
	}
	return agreed, cluster, brokers
}

// Each route of the contract is there, with all that it reads.
func TestContract(t *testing.T) {
	agreed, cluster, _ := asAgreed(t, 8)
	servertest.Eventually(t, "the topics' leaders answer", func() bool {
		_, err := inspect.Groups(t.Context(), cluster, agreed)
		return err == nil
	})
	groups, err := inspect.Groups(t.Context(), cluster, agreed)
	if err != nil || len(groups) != len(control.Routes(agreed)) {
		t.Fatalf("%d groups, %v", len(groups), err)
	}
	routes, err := inspect.Routes(t.Context(), cluster, agreed, control.State{})
	if err != nil || len(routes) != len(groups) {
		t.Fatalf("%d routes, %v", len(routes), err)
	}
	i := slices.IndexFunc(routes, func(r inspect.Route) bool { return r.Name == "register" })
	if !slices.Equal(routes[i].Sources, []string{"migration.applications", "egov.applications", "statecorp.applications"}) {
		t.Errorf("register reads %v", routes[i].Sources)
	}
	for _, r := range routes {
		if len(r.Sources) == 0 {
			t.Errorf("route %s reads nothing", r.Name)
		}
	}
}

// A topic whose records Kafka would delete before they are read or decided is named;
// one that keeps more than it must is not.
func TestRetention(t *testing.T) {
	agreed, cluster, brokers := asAgreed(t, 2)
	found := func() (found []string) {
		r := inspect.NewReport(func(f inspect.Finding) {
			if f.About == "topics" && strings.Contains(f.Text, "the contract says ") {
				found = append(found, f.Text)
			}
		})
		inspect.CheckKafka(t.Context(), r, cluster, brokers, agreed, 2)
		slices.Sort(found)
		return found
	}
	if f := found(); len(f) > 0 {
		t.Fatalf("of topics as the contract wants them are found: %s", f)
	}
	set := func(topic, name, value string) {
		t.Helper()
		resp, err := cluster.Client.IncrementalAlterConfigs(t.Context(), &kafka.IncrementalAlterConfigsRequest{Resources: []kafka.IncrementalAlterConfigsRequestResource{{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: topic,
			Configs: []kafka.IncrementalAlterConfigsRequestConfig{{Name: name, Value: value, ConfigOperation: kafka.ConfigOperationSet}},
		}}})
		if err == nil {
			err = resp.Resources[0].Error
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	set("register.dead", "retention.ms", "604800000")
	defer set("register.dead", "retention.ms", "-1")
	set("register.parked", "cleanup.policy", "compact")
	defer set("register.parked", "cleanup.policy", "delete")
	had, _ := agreed.Topic("kandas.events")
	set("kandas.events", "retention.ms", "-1")
	defer set("kandas.events", "retention.ms", had.Config["retention.ms"])
	var got []string
	servertest.Eventually(t, "two topics are named", func() bool { got = found(); return len(got) == 2 })
	if !strings.HasPrefix(got[0], "register.dead keeps records for 168h0m0s and the contract says ever") || !strings.HasPrefix(got[1], "register.parked has cleanup.policy=compact") {
		t.Errorf("found: %s", got)
	}
}
