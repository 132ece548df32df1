package console

import (
	"context"
	"net/http"
	"sync"
	"time"

	"kandashub/observability"
)

// checkTime bounds one check.
const checkTime = 3 * time.Second

// A checked is what came of one check of readiness.
type checked struct {
	Name, Problem string
	Took          time.Duration
}

// health shows what this hub needs. Why something fails is for operators.
func (v *visit) health() error {
	ctx, cancel := context.WithTimeout(v.r.Context(), checkTime)
	defer cancel()
	results := make([]checked, len(v.cfg.Checks))
	var running sync.WaitGroup
	for i, c := range v.cfg.Checks {
		running.Go(func() {
			began := time.Now()
			results[i] = checked{Name: c.Name}
			if err := c.Run(ctx); err != nil {
				results[i].Problem = observability.Mask(err.Error())
			}
			results[i].Took = time.Since(began)
		})
	}
	running.Wait()
	ready := true
	for _, r := range results {
		ready = ready && r.Problem == ""
	}
	return v.show(http.StatusOK, "health", map[string]any{"Ready": ready, "Checks": results, "Now": v.watch.now(v.r.Context())})
}
