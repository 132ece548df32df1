package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"kandashub/mocks"
	"kandashub/mocks/traces"
)

// Ports of the world, counted from its base port.
const (
	portHub        = 0 // the hub: intake and SHEP endpoints
	portMetrics    = 1 // the hub: metrics, liveness, readiness
	portKafka      = 2
	portRedis      = 3
	portConsole    = 4 // the hub: console
	portPrometheus = 5
	portTraces     = 6
	portSystems    = 10 // the mock systems, in the order of their table
)

// A world is everything around the hub on one machine.
type world struct {
	dir      string
	base     int // first port; 0: any free ones
	kafka    []string
	redis    string
	embedded string // which of kafka and redis are embedded, for people
	register *mocks.Register
	systems  []*running
	given    []int // ports of processes that listen themselves
	secrets  secrets
	hub      string // address where the hub listens
	hubURL   string // where the systems call it
	metrics  string // address of the hub's metrics
	console  string // address of the hub's console
	traces   string // address of the receiver of traces

	log     *os.File
	cleanup []func() // in reverse order
}

// running is a mock system with its own server.
type running struct {
	*mocks.System
	addr string
}

// secrets are made anew for each world, and stay in its folder: hubs that run
// already know them when it is started again. They protect nothing but are used
// as real ones are.
type secrets struct {
	Intake map[string]string `json:"intake"` // by system: its credential at the hub
	Hub    string            `json:"hub"`    // the hub's credential at every system
	Person string            `json:"person"` // key of the person markers, hex
	Log    string            `json:"log"`    // key of masked values in logs, hex
}

type worldConfig struct {
	dir   string
	base  int
	seed  int64
	kafka string // of a real one; empty: embedded
	redis string
	// Where the systems call the hub; empty: at the address that it is given.
	hubURL string
}

// newWorld takes ports, starts the embedded servers and makes all mock
// systems. They answer at once, and act of their own accord from run on.
func newWorld(ctx context.Context, c worldConfig) (_ *world, err error) {
	w := &world{dir: c.dir, base: c.base, redis: c.redis, hubURL: c.hubURL, register: mocks.NewRegister()}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if c.kafka != "" {
		w.kafka = strings.Split(c.kafka, ",")
	}
	if err := answers(ctx, w.kafka, w.redis); err != nil {
		return nil, err
	}
	if w.secrets, err = loadSecrets(filepath.Join(c.dir, "secrets.json")); err != nil {
		return nil, err
	}
	if w.log, err = os.OpenFile(filepath.Join(c.dir, "world.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
		return nil, err
	}
	w.onClose(func() { w.log.Close() })
	if w.hub, err = w.free("the hub", portHub); err != nil {
		return nil, err
	}
	if w.hubURL == "" {
		w.hubURL = "http://" + w.hub
	}
	if w.metrics, err = w.free("the hub's metrics", portMetrics); err != nil {
		return nil, err
	}
	if w.console, err = w.free("the hub's console", portConsole); err != nil {
		return nil, err
	}
	if err := w.startServers(); err != nil {
		return nil, err
	}
	if w.traces, err = w.serve("the receiver of traces", portTraces, traces.New(), log.New(w.log, "traces ", log.LstdFlags|log.Lmsgprefix)); err != nil {
		return nil, err
	}
	for i, s := range systems {
		if err := w.startSystem(i, s.name, s.New, c.seed); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// loadSecrets reads the secrets of the world that was in this folder, or makes
// some.
func loadSecrets(path string) (secrets, error) {
	s := secrets{Intake: map[string]string{}, Hub: rand.Text(), Person: randomHex(), Log: randomHex()}
	for _, sys := range systems {
		s.Intake[sys.name] = rand.Text()
	}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return s, err
	default:
		if err := json.Unmarshal(data, &s); err != nil {
			return s, fmt.Errorf("read %s: %w", path, err)
		}
	}
	if data, err = json.Marshal(s); err != nil {
		return s, err
	}
	return s, writeWhole(path, data)
}

func randomHex() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	return fmt.Sprintf("%x", b)
}

func (w *world) port(offset int) int {
	if w.base == 0 {
		return 0
	}
	return w.base + offset
}

// free finds an address for a process that will listen there itself, now and
// after each restart. Where any will do it is one that no connection is given
// by chance meanwhile: systems take those from above 32768.
func (w *world) free(what string, offset int) (string, error) {
	port := w.port(offset)
	for {
		if w.base == 0 {
			port = 20000 + mathrand.IntN(10000)
		}
		l, err := listen(what, port)
		switch {
		case err == nil && slices.Contains(w.given, port): // to another of our processes, not yet listening
			l.Close()
		case err == nil:
			defer l.Close()
			w.given = append(w.given, port)
			return l.Addr().String(), nil
		case w.base != 0 || !errors.Is(err, errTaken):
			return "", err
		}
	}
}

func (w *world) startServers() error {
	var names []string
	if w.kafka == nil {
		addr, stop, err := startKafka(filepath.Join(w.dir, "kafka"), w.port(portKafka))
		if err != nil {
			return err
		}
		w.kafka = []string{addr}
		w.onClose(stop)
		names = append(names, "Kafka")
	}
	if w.redis == "" {
		addr, stop, err := startRedis(w.port(portRedis))
		if err != nil {
			return err
		}
		w.redis = addr
		w.onClose(stop)
		names = append(names, "Redis")
	}
	w.embedded = strings.Join(names, ", ")
	return nil
}

func (w *world) startSystem(i int, name string, build func(mocks.Env) (*mocks.System, error), seed int64) error {
	dir := filepath.Join(w.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	logger := log.New(w.log, name+" ", log.LstdFlags|log.Lmicroseconds|log.Lmsgprefix)
	system, err := build(mocks.Env{
		Dir: dir, Seed: seed + int64(i), HubURL: w.hubURL, HubToken: w.secrets.Intake[name], Token: w.secrets.Hub,
		Kafka: w.kafka, Register: w.register, Logf: logger.Printf,
	})
	if err != nil {
		return fmt.Errorf("start the mock of %s: %w", name, err)
	}
	w.onClose(func() { system.Ledger.Close() })
	addr, err := w.serve("the mock of "+name, portSystems+i, named(name, system.Handler), logger)
	if err != nil {
		return err
	}
	w.systems = append(w.systems, &running{System: system, addr: addr})
	return nil
}

// serve starts a server of the world, which runs until its end.
func (w *world) serve(what string, offset int, h http.Handler, logger *log.Logger) (addr string, err error) {
	l, err := listen(what, w.port(offset))
	if err != nil {
		return "", err
	}
	s := &http.Server{Handler: h, ErrorLog: logger, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			logger.Printf("serving ended: %v", err)
		}
	}()
	w.onClose(func() {
		s.Close()
		<-served
	})
	return l.Addr().String(), nil
}

func (w *world) onClose(f func()) { w.cleanup = append(w.cleanup, f) }

// close stops everything, last started first.
func (w *world) close() {
	for i := len(w.cleanup) - 1; i >= 0; i-- {
		w.cleanup[i]()
	}
	w.cleanup = nil
}

// run lets the systems act of their own accord until ctx ends. The topics must
// exist.
func (w *world) run(ctx context.Context) error {
	var wg sync.WaitGroup
	failed := make(chan error, len(w.systems))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, s := range w.systems {
		if s.Run == nil {
			continue
		}
		wg.Go(func() {
			if err := s.Run(ctx); err != nil && ctx.Err() == nil {
				failed <- fmt.Errorf("the mock of %s: %w", s.Name, err)
				cancel()
			}
		})
	}
	<-ctx.Done()
	wg.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// system returns the mock of a name; nil if there is none.
func (w *world) system(name string) *running {
	for _, s := range w.systems {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// table lists every address, one row each.
func (w *world) table() [][2]string {
	kafka, redis := "Kafka", "Redis"
	if strings.Contains(w.embedded, kafka) {
		kafka += " (embedded)"
	}
	if strings.Contains(w.embedded, redis) {
		redis += " (embedded)"
	}
	rows := [][2]string{
		{"hub: intake and SHEP", "http://" + w.hub},
		{"hub: console", "http://" + w.console},
		{"hub: metrics", "http://" + w.metrics + "/metrics"},
		{"traces", "http://" + w.traces},
		{kafka, strings.Join(w.kafka, ",")},
		{redis, w.redis},
	}
	for _, s := range w.systems {
		rows = append(rows, [2]string{"mock of " + s.Name, "http://" + s.addr})
	}
	return rows
}
