package world

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"kandashub/cmd/verify/broker"
	"kandashub/cmd/verify/proxy"
	"kandashub/mocks"
)

// One world, hurt in one way after the other; each time it must carry an
// application through again.
func TestEmbeddedWorld(t *testing.T) {
	w := start(t, config(t))
	registered(t, w, file(t, w, "begin"))
	for _, s := range []struct {
		name string
		play func(*testing.T, *World)
	}{
		{"hub joins and leaves", hubJoins}, {"hub killed", hubKilled}, {"hub dies", hubDies}, {"hub frozen", hubFrozen},
		{"broker killed", brokerKilled}, {"broker frozen", brokerFrozen}, {"broker answers with errors", brokerErrs},
		{"Kafka cut off", kafkaCutOff}, {"Redis killed", redisKilled}, {"system refuses", systemFails},
		{"mock systems killed", mocksKilled}, {"end", worldEnds},
	} {
		if !t.Run(s.name, func(t *testing.T) { s.play(t, w) }) {
			return // the world is not what the next one expects
		}
	}
}

func hubKilled(t *testing.T, w *World) {
	h := w.Hubs[0]
	h.Kill()
	if h.Running() || h.ExitCode() != -1 || h.Deaths() != 0 {
		t.Errorf("after Kill: running %v, exit code %d, %d deaths", h.Running(), h.ExitCode(), h.Deaths())
	}
	if err := h.Ready(soon(t)); err == nil || !strings.Contains(err.Error(), "does not run") {
		t.Errorf("a dead hub is ready: %v", err)
	}
	must(t, h.Start())
	must(t, h.Ready(soon(t)))
	if err := h.Start(); err == nil {
		t.Error("it is started twice")
	}
	registered(t, w, file(t, w, "killed"))
}

// struck is a SIGKILL that is not our doing.
func struck(t *testing.T, p *Process) {
	t.Helper()
	exited := p.Exited()
	p.mu.Lock()
	pid := p.cmd.Process.Pid
	p.mu.Unlock()
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	<-exited
}

func hubDies(t *testing.T, w *World) {
	h := w.Hubs[1]
	struck(t, h.Process)
	if err := h.Ready(soon(t)); err == nil || !strings.Contains(err.Error(), "has ended by itself (signal: killed)") {
		t.Errorf("want to be told that it has died, got: %v", err)
	}
	must(t, h.Start())
	w.Supervise(h, 10*time.Millisecond)
	struck(t, h.Process)
	must(t, h.Ready(soon(t)))
	if h.Deaths() != 2 {
		t.Errorf("%d deaths, want 2", h.Deaths())
	}
}

func hubJoins(t *testing.T, w *World) {
	h, err := w.AddHub(soon(t), "HUB_LOG_LEVEL=DEBUG")
	must(t, err)
	must(t, answers(soon(t), h.MetricsURL))
	must(t, h.Term(soon(t)))
	if h.ExitCode() != 0 {
		t.Errorf("exit code %d", h.ExitCode())
	}
	select {
	case <-h.Exited():
	default:
		t.Error("it has exited, but Exited is not closed")
	}
	registered(t, w, file(t, w, "left"))
}

func hubFrozen(t *testing.T, w *World) {
	h := w.Hubs[0]
	h.Stop()
	client := &http.Client{Timeout: 200 * time.Millisecond}
	if resp, err := client.Get(h.MetricsURL); err == nil {
		resp.Body.Close()
		t.Error("a frozen hub answers")
	}
	h.Cont()
	must(t, h.Ready(soon(t)))
}

func brokerKilled(t *testing.T, w *World) {
	before, err := topicNames(soon(t), w)
	must(t, err)
	if len(before) == 0 {
		t.Fatal("there are no topics")
	}
	w.Brokers[0].Kill()
	if _, err := topicNames(soon(t), w); err == nil {
		t.Error("a dead broker answers")
	}
	must(t, w.Brokers[0].Start())
	must(t, w.Brokers[0].Ready(soon(t)))
	if after, err := topicNames(soon(t), w); err != nil || !slices.Equal(after, before) {
		t.Errorf("the topics were %v, and are %v: %v", before, after, err)
	}
	registered(t, w, file(t, w, "broker"))
}

func brokerFrozen(t *testing.T, w *World) {
	w.Brokers[0].Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := topicNames(ctx, w); err == nil {
		t.Error("a frozen broker answers")
	}
	w.Brokers[0].Cont()
	must(t, w.Brokers[0].Ready(soon(t)))
}

func brokerErrs(t *testing.T, w *World) {
	ctx := soon(t)
	fault, err := w.BrokerFault(ctx, broker.Fault{
		Keys: []string{"Produce"}, Topic: "migration.applications", Error: "NOT_LEADER_FOR_PARTITION", Times: 2,
	})
	must(t, err)
	registered(t, w, file(t, w, "errs"))
	if n, err := fault.Remove(ctx); err != nil || n != 2 {
		t.Errorf("the fault has struck %d times, want 2: %v", n, err)
	}
}

func kafkaCutOff(t *testing.T, w *World) {
	p := w.KafkaProxies[0]
	before := p.Struck()
	must(t, p.Set(proxy.Toxic{BlackHole: true}))
	id := file(t, w, "cut")
	must(t, until(soon(t), func(context.Context) error {
		if p.Struck() == before {
			return errors.New("the black hole has swallowed nothing")
		}
		return nil
	}))
	if _, err := topicNames(soon(t), w); err != nil {
		t.Errorf("the checker's road is cut off as well: %v", err)
	}
	must(t, p.Clear())
	registered(t, w, id)
}

func redisKilled(t *testing.T, w *World) {
	_, err := w.RedisCommand(soon(t), "SET", "here", "1")
	must(t, err)
	w.Redis.Kill()
	must(t, w.Redis.Start())
	must(t, w.Redis.Ready(soon(t)))
	if v, err := w.RedisCommand(soon(t), "EXISTS", "here"); err != nil || v != int64(0) {
		t.Errorf("the embedded Redis keeps its data: %v, %v", v, err)
	}
}

func systemFails(t *testing.T, w *World) {
	if err := w.SetFault(soon(t), "kandas", mocks.Fault{Status: 503, RetryAfterS: 1, Times: 1}); err != nil {
		t.Fatal(err)
	}
	if err := w.SetFault(soon(t), "nobody"); err == nil {
		t.Error("a system that does not exist has faults")
	}
	p := w.SystemProxy("kandas")
	must(t, p.Set(proxy.Toxic{Refuse: true}))
	if c, err := net.Dial("tcp", p.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("want to be refused, got %v, %v", c, err)
	}
	must(t, p.Clear())
	must(t, w.SetFault(soon(t), "kandas"))
}

// Hubs that run know the secrets of the mock systems: these must still hold.
func mocksKilled(t *testing.T, w *World) {
	url, environment := w.SystemURL("kandas"), w.Environment()
	w.Mocks.Kill()
	must(t, w.Mocks.Start())
	must(t, w.Mocks.Ready(soon(t)))
	if err := answers(soon(t), url+"/_faults"); err != nil {
		t.Error(err)
	}
	if !slices.Contains(environment, "HUB_KANDAS_URL=http://"+w.SystemProxy("kandas").Addr()) {
		t.Error("hubs do not reach kandas through its proxy")
	}
	env, err := readEnv(filepath.Join(w.config.Dir, "mocks", "hub.env"))
	must(t, err)
	if !slices.Contains(environment, "HUB_KANDAS_TOKEN="+env["HUB_KANDAS_TOKEN"]) {
		t.Error("the mock systems have other secrets than before")
	}
}

// Whatever state everything is in, nothing is left.
func worldEnds(t *testing.T, w *World) {
	var pids []int
	processes := []*Process{w.Brokers[0], w.Redis, w.Mocks, w.Hubs[0].Process, w.Hubs[1].Process}
	for _, p := range processes {
		if !p.Running() {
			t.Errorf("%s does not run", p.Name)
		}
		pids = append(pids, p.cmd.Process.Pid)
	}
	w.Hubs[0].Stop()
	w.Brokers[0].Stop()
	struck(t, w.Hubs[1].Process) // supervised
	must(t, w.RedisProxy.Set(proxy.Toxic{BlackHole: true}))
	began := time.Now()
	w.Close()
	t.Logf("closed after %s", time.Since(began).Round(time.Millisecond))
	for i, pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) || processes[i].Running() {
			t.Errorf("%s still runs", processes[i].Name)
		}
	}
	if err := w.Hubs[0].Start(); err == nil {
		t.Error("a closed world starts processes")
	}
	if c, err := net.Dial("tcp", strings.TrimPrefix(w.Door(), "http://")); err == nil {
		c.Close()
		t.Error("the door is open")
	}
	w.Close() // again
}
