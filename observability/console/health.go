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
	return v.show(http.StatusOK, "health", map[string]any{"Ready": ready, "Checks": results, "Now": v.now()})
}

// now is what the routes do, as far as the user may know.
func (v *visit) now() snapshot {
	s := v.watch.now(v.r.Context())
	texts, err := loadTexts(v.lang)
	if err != nil {
		texts = nil // the page itself will say so
	}
	return v.told(s, texts)
}

// told leaves out of a snapshot why Kafka could not be asked, which names
// addresses, for who is no operator.
func (v *visit) told(s snapshot, texts map[string]string) snapshot {
	if s.Problem != "" && v.user.Role < Operator {
		s.Problem = texts["error.stale"]
	}
	return s
}
