//go:build !uncounted

package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"kandashub/observability"
)

// newMetrics makes what the hub counts.
func newMetrics(r *prometheus.Registry) *observability.Metrics { return observability.NewMetrics(r) }
