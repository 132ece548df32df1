package world

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"kandashub/observability/promserver"
)

// prometheusGrace is what Prometheus is given to end in good order.
const prometheusGrace = 5 * time.Second

// StartPrometheus starts the given program with these rules. It watches all hubs
// that there are, and lives until Close.
func (w *World) StartPrometheus(ctx context.Context, path string, rules []byte) (*promserver.Server, error) {
	addrs, err := w.ports.addresses(1)
	if err != nil {
		return nil, err
	}
	var hubs []string
	for _, h := range w.Hubs {
		hubs = append(hubs, strings.TrimSuffix(strings.TrimPrefix(h.MetricsURL, "http://"), "/metrics"))
	}
	s, err := promserver.New(filepath.Join(w.config.Dir, "prometheus"), addrs[0], rules, hubs...)
	if err != nil {
		return nil, err
	}
	w.prometheus = w.process("prometheus", path, s.Args(), nil, prometheusGrace, s.Ready)
	return s, startAll(ctx, w.prometheus)
}
