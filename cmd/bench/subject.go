package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"kandashub/cmd/bench/limit"
)

// Subjects of a bench.
const (
	subjectHub   = "hub"
	subjectLimit = "limit"
	subjectUsual = "usual" // the limit program with kafka-go's Reader and Writer

	// The hub with what makes it visible added one by one; see sight.go.
	subjectBlind   = "hub, nothing counted"
	subjectCounted = "hub, metrics"
	subjectTraced  = "hub, metrics, traces"
	subjectAll     = "hub, metrics, traces, outcomes"
)

// A subject is what is measured: one or more processes of one program.
type subject struct {
	processes []*process
	metrics   []string // where each serves its counters
}

// group is the consumer group of a subject that tells a system.
func group(name, system string) string {
	if name == subjectLimit || name == subjectUsual {
		return limit.Group(system)
	}
	return "hub.notify-" + system
}

// startSubject starts the processes of a subject, all at once.
func (l *lab) startSubject(name string, k *kafkaServer, c cell) (*subject, error) {
	s := &subject{}
	for i := range c.Replicas {
		var err error
		if name == subjectLimit || name == subjectUsual {
			err = l.startLimit(s, i, k, c, name == subjectUsual)
		} else {
			program, env := l.seen(name)
			err = l.startHub(s, i, k, c, program, append(env, "HUB_ROUTES=notify-"+c.System, fmt.Sprintf("HUB_%s_URL=%s", strings.ToUpper(c.System), l.url),
				fmt.Sprintf("HUB_%s_CONNS=%d", strings.ToUpper(c.System), l.Workers))...)
		}
		if err != nil {
			return nil, errors.Join(err, s.stop())
		}
	}
	return s, nil
}

func (l *lab) startLimit(s *subject, i int, k *kafkaServer, c cell, usual bool) error {
	var at struct {
		Metrics string `json:"metrics"`
	}
	p, err := start(l.dir, fmt.Sprintf("limit-%d", i+1), l.self, []string{
		"limit", "--kafka", k.brokers, "--system", c.System, "--url", l.url, "--workers", strconv.Itoa(l.Workers), "--reply=" + strconv.FormatBool(l.Reply), "--usual=" + strconv.FormatBool(usual),
	}, nil, &at)
	if err != nil {
		return err
	}
	s.processes, s.metrics = append(s.processes, p), append(s.metrics, "http://"+at.Metrics)
	return nil
}

// startHub starts a hub with all defaults but those that a cell is about.
func (l *lab) startHub(s *subject, i int, k *kafkaServer, c cell, program string, env ...string) error {
	door, err := l.ports.address()
	if err != nil {
		return err
	}
	metrics, err := l.ports.address()
	if err != nil {
		return err
	}
	p, err := start(l.dir, fmt.Sprintf("hub-%d", i+1), l.program(program), nil, append([]string{
		"HUB_KAFKA=" + k.brokers, "HUB_REDIS=" + l.Redis, "HUB_PARTITIONS=" + strconv.Itoa(c.Partitions), "HUB_WORKERS=" + strconv.Itoa(l.Workers),
		"HUB_LISTEN=" + door, "HUB_METRICS=" + metrics, "HUB_LOG_LEVEL=" + l.LogLevel, "HUB_OUTCOMES=" + strconv.FormatBool(l.Outcomes),
	}, env...), nil)
	if err != nil {
		return err
	}
	s.processes, s.metrics = append(s.processes, p), append(s.metrics, "http://"+metrics+"/metrics")
	return nil
}

func (s *subject) pids() (pids []int) {
	for _, p := range s.processes {
		pids = append(pids, p.pid())
	}
	return pids
}

// stop ends all processes.
func (s *subject) stop() error {
	if s == nil {
		return nil
	}
	errs := make(chan error, len(s.processes))
	for _, p := range s.processes {
		go func() { errs <- p.stop() }()
	}
	var err error
	for range s.processes {
		err = errors.Join(err, <-errs)
	}
	return err
}

// allocations is how many objects and bytes the processes have allocated since
// they began.
func (s *subject) allocations(ctx context.Context) (objects, size float64, err error) {
	for _, url := range s.metrics {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return 0, 0, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, 0, fmt.Errorf("counters: %w", err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return 0, 0, fmt.Errorf("counters: %w", err)
		}
		objects += metric(text, "go_memstats_mallocs_total")
		size += metric(text, "go_memstats_alloc_bytes_total")
	}
	return objects, size, nil
}

// metric reads one metric without labels from Prometheus' text format; 0 if it
// is not there.
func metric(text []byte, name string) float64 {
	for line := range bytes.Lines(text) {
		value, ok := bytes.CutPrefix(line, []byte(name+" "))
		if !ok {
			continue
		}
		if v, err := strconv.ParseFloat(string(bytes.TrimSpace(value)), 64); err == nil {
			return v
		}
	}
	return 0
}
