package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"kandashub/mocks"
	"kandashub/mocks/eds"
	"kandashub/mocks/egov"
	"kandashub/mocks/gbdfl"
	"kandashub/mocks/kandas"
	"kandashub/mocks/migpolice"
	"kandashub/mocks/migration"
	"kandashub/mocks/statecorp"
	"kandashub/topics"
	"kandashub/topics/contract"
	"kandashub/topics/servertest"
)

// mockSystems are the systems that act in these tests. One that is missing here
// answers 503, so that a new system needs no row of its own.
var mockSystems = map[string]func(mocks.Env) (*mocks.System, error){
	"migration": migration.New, "kandas": kandas.New, "egov": egov.New, "gbdfl": gbdfl.New,
	"migpolice": migpolice.New, "statecorp": statecorp.New, "eds": eds.New,
}

// A world is everything around one hub: Kafka, Redis, and the mock systems. On
// shared servers it looks only at what is written after it was made.
type world struct {
	t          *testing.T
	brokers    []string
	rdb        *redis.Client
	partitions int
	contract   *contract.Contract
	cluster    *topics.Cluster
	producer   *topics.Producer
	began      map[string]map[int]int64 // end of each partition when the world was made
	register   *mocks.Register
	systems    map[string]*mocks.System
	calls      map[string]*callLog
	urls       map[string]string
	environ    map[string]string
	tokens     map[string]string
	run        string // unique part of the application ids
	door       string
	probes     string
	log        *logLines
	hearing    *sync.Mutex
	answers    []string // of the intake and the SHEP endpoints; guarded by hearing
}

// newWorld makes a world on the servers of servertest. changes are settings of
// the hub, NAME=value.
func newWorld(t *testing.T, changes ...string) *world {
	t.Helper()
	return newWorldOn(t, servertest.Brokers(t), servertest.Redis(t), changes...)
}

func newWorldOn(t *testing.T, brokers []string, rdb *redis.Client, changes ...string) *world {
	t.Helper()
	w := &world{hearing: new(sync.Mutex),
		t: t, brokers: brokers, rdb: rdb, cluster: topics.NewCluster(brokers), register: mocks.NewRegister(),
		systems: map[string]*mocks.System{}, calls: map[string]*callLog{}, urls: map[string]string{}, tokens: map[string]string{},
		run: servertest.Unique(""), door: servertest.FreeAddress(t), log: &logLines{},
	}
	w.probes = servertest.FreeAddress(t, w.door)
	t.Cleanup(w.cluster.Close)
	w.producer = topics.NewProducer(w.cluster, produceTimeout, nil)
	w.createTopics()
	w.environ = map[string]string{
		"HUB_KAFKA": strings.Join(brokers, ","), "HUB_REDIS": rdb.Options().Addr, "HUB_PARTITIONS": fmt.Sprint(w.partitions),
		"HUB_LISTEN": w.door, "HUB_METRICS": w.probes, "HUB_PERSON_KEY": testKey, "HUB_LOG_LEVEL": "DEBUG",
		"HUB_CALL": "2s", "HUB_LEASE": "4s", "HUB_DRAIN": "2s", "HUB_SESSION": "6s", "HUB_REBALANCE": "10s", "HUB_SHUTDOWN": "5s",
		"HUB_SETTLE_C2": "1s", "HUB_SETTLE_C3": "1s", "HUB_BACKOFF_MIN": "20ms", "HUB_BACKOFF_CAP": "500ms", "HUB_BREAKER_OPEN_FOR": "1s",
	}
	for i, name := range routingPlan().Systems {
		w.startSystem(name, int64(i))
	}
	for _, c := range changes {
		name, value, _ := strings.Cut(c, "=")
		w.environ[name] = value
	}
	return w
}

// in makes a subtest the one that fails, until it ends.
func (w *world) in(t *testing.T) {
	parent := w.t
	w.t = t
	t.Cleanup(func() { w.t = parent })
}

// createTopics makes what topics are missing, with as many partitions as those
// that exist, and notes where each ends.
func (w *world) createTopics() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	var err error
	if w.contract, err = contract.Load(); err != nil {
		w.t.Fatal(err)
	}
	w.partitions = 2 // quick to make; on shared servers as many as everybody else's
	if os.Getenv("KAFKA_BROKERS") != "" {
		w.partitions = 8
	}
	problems, err := w.contract.Missing(ctx, w.cluster.Client, w.partitions, []string{"register.parked"})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(problems) > 0 && problems[0].Partitions > 0 {
		w.partitions = problems[0].Partitions
	}
	if _, err := w.contract.Create(ctx, w.cluster.Client, w.partitions, 1); err != nil {
		w.t.Fatal(err)
	}
	w.began = w.ends(w.topicNames()...)
}

func (w *world) topicNames() (names []string) {
	for _, t := range w.contract.Topics() {
		names = append(names, t.Name)
	}
	return names
}

// startSystem runs one mock system on an address of its own.
func (w *world) startSystem(name string, seed int64) {
	w.t.Helper()
	upper := strings.ToUpper(name)
	w.tokens[name] = "token-of-" + name + "-" + w.run
	w.environ["HUB_INTAKE_"+upper+"_TOKEN"] = w.tokens[name]
	calls := &callLog{}
	w.calls[name] = calls
	var handler http.Handler = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusServiceUnavailable) })
	if build := mockSystems[name]; build != nil {
		system, err := build(mocks.Env{
			Dir: w.t.TempDir(), Seed: seed, HubURL: "http://" + w.door, HubToken: w.tokens[name], Kafka: w.brokers, Register: w.register,
		})
		if err != nil {
			w.t.Fatal(err)
		}
		w.systems[name], handler = system, system.Handler
		w.t.Cleanup(func() { system.Ledger.Close() })
		w.background(system.Run)
	}
	server := httptest.NewServer(calls.wrap(handler))
	w.t.Cleanup(server.Close)
	w.urls[name] = server.URL
	w.environ["HUB_"+upper+"_URL"] = server.URL
}

// background runs what a system does of its own accord until the test ends.
func (w *world) background(run func(context.Context) error) {
	if run == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := run(ctx); err != nil && ctx.Err() == nil {
			w.t.Errorf("a mock system ended: %v", err)
		}
	}()
	w.t.Cleanup(func() {
		cancel()
		<-ended
	})
}

// start runs the hub and waits until it is ready. stop ends it as SIGTERM does,
// and returns its error.
func (w *world) start() (stop func() error) {
	t := w.t
	t.Helper()
	cfg, err := loadConfig(maps.Clone(w.environ), routingPlan())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, cfg, w.log) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := stop(); err != nil && !t.Failed() {
			t.Errorf("the hub ended with: %v", err)
		}
		if t.Failed() {
			t.Logf("the end of the hub's log:\n%s", w.log.tail(40))
		}
	})
	servertest.Eventually(t, "the hub is ready", func() bool {
		status, _ := w.get("/readyz")
		return status == http.StatusOK
	})
	return stop
}

func (w *world) dial(addr string) net.Conn {
	w.t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		w.t.Fatal(err)
	}
	return conn
}

// get asks the hub's probes; status 0 where they do not answer.
func (w *world) get(path string) (status int, body string) {
	resp, err := http.Get("http://" + w.probes + path)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, ""
	}
	return resp.StatusCode, string(b)
}

// metric returns the value of a series, such as
// hub_route_paused{reason="auth",route="register"}; "" where there is none.
func (w *world) metric(series string) string {
	_, body := w.get("/metrics")
	for line := range strings.Lines(body) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
