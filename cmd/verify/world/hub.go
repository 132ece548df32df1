package world

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// A Hub is one replica of the hub.
type Hub struct {
	*Process
	URL        string // of its intake and SHEP endpoints, past the door
	MetricsURL string

	addr string
}

// shutdown is HUB_SHUTDOWN of every hub, and hubGrace what Term gives it.
const (
	shutdown = 5 * time.Second
	hubGrace = shutdown + 5*time.Second
)

// times of a run are short: a fault that lasts a second must outlive sessions,
// leases and settle times.
func times() []string {
	return []string{
		"HUB_CALL=1500ms", "HUB_LEASE=3s", "HUB_DRAIN=1s", "HUB_SESSION=3s", "HUB_REBALANCE=6s", "HUB_SHUTDOWN=" + shutdown.String(),
		"HUB_SETTLE_C2=2s", "HUB_SETTLE_C3=2s", "HUB_BACKOFF_MIN=50ms", "HUB_BACKOFF_CAP=500ms", "HUB_BREAKER_OPEN_FOR=1s",
		"HUB_PARK_AFTER=5s",
	}
}

// base are the settings that need no mock systems.
func (w *World) base() []string {
	env := []string{"HUB_KAFKA=" + strings.Join(w.advertised(), ","), "HUB_REDIS=" + w.RedisProxy.Addr()}
	if w.config.Partitions > 0 {
		env = append(env, "HUB_PARTITIONS="+strconv.Itoa(w.config.Partitions))
	}
	return env
}

// Environment are the settings that all hubs share.
func (w *World) Environment() []string { return append([]string(nil), w.environment...) }

// startHubs starts all replicas at once.
func (w *World) startHubs(ctx context.Context) error {
	var processes []*Process
	for range w.config.Replicas {
		h, err := w.planHub(nil)
		if err != nil {
			return err
		}
		processes = append(processes, h.Process)
	}
	return startAll(ctx, processes...)
}

// planHub gives a new replica its addresses and puts it behind the door.
func (w *World) planHub(env []string) (*Hub, error) {
	addrs, err := w.ports.addresses(2)
	if err != nil {
		return nil, err
	}
	h := &Hub{addr: addrs[0], URL: "http://" + addrs[0], MetricsURL: "http://" + addrs[1] + "/metrics"}
	settings := append(w.Environment(), "HUB_LISTEN="+addrs[0], "HUB_METRICS="+addrs[1])
	h.Process = w.process(fmt.Sprintf("hub-%d", len(w.Hubs)+1), w.config.Hub, nil, append(settings, env...), hubGrace,
		func(ctx context.Context) error { return answers(ctx, "http://"+addrs[1]+"/readyz") })
	w.Hubs = append(w.Hubs, h)
	var doors []string
	for _, h := range w.Hubs {
		doors = append(doors, h.addr)
	}
	w.door.SetUpstreams(doors...)
	return h, nil
}

// AddHub starts one more hub, with settings of its own, and returns when it is
// ready. It appends to Hubs: call it from where those are read.
func (w *World) AddHub(ctx context.Context, env ...string) (*Hub, error) {
	h, err := w.planHub(env)
	if err != nil {
		return nil, err
	}
	return h, startAll(ctx, h.Process)
}

// Supervise has a hub that dies by itself started again some time after, without
// what Start was given for that one time.
func (w *World) Supervise(h *Hub, after time.Duration) { h.supervise(after) }

// Door is the URL of the balancer before the hubs' intake and SHEP endpoints.
func (w *World) Door() string { return "http://" + w.door.Addr() }

// Hubctl runs the operator's program, which reaches Kafka and Redis as the hubs
// do, and returns what it prints.
func (w *World) Hubctl(ctx context.Context, args ...string) (stdout string, err error) {
	cmd := exec.CommandContext(ctx, w.config.Hubctl, args...)
	env := w.environment
	if env == nil { // before there are mock systems
		env = append(w.base(), w.config.Env...)
	}
	cmd.Env = append(surroundings(), env...)
	cmd.SysProcAttr = attributes()
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("hubctl %s: %w: %s", strings.Join(args[:min(2, len(args))], " "), err, bytes.TrimSpace(said.Bytes()))
	}
	return out.String(), nil
}

// answers fails unless a GET is answered with 200.
func answers(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return nil
}
