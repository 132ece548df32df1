//go:build uncounted

package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"kandashub/observability"
)

// newMetrics counts nothing. A hub built so is what bench sight compares the real
// one with; it is never deployed.
func newMetrics(*prometheus.Registry) *observability.Metrics { return nil }
