package console

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// hangs is a way to a provider that takes every question and answers none.
type hangs struct{ asked atomic.Int64 }

func (h *hangs) RoundTrip(r *http.Request) (*http.Response, error) {
	h.asked.Add(1)
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A provider that hangs is asked once for all who wait, keeps each of them for
// one bound of time and not for their number of it, and nobody who has left.
func TestProviderThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		way := &hangs{}
		o := &OIDC{Issuer: "https://id.example", Client: "hub", HTTP: &http.Client{Transport: way}}
		began := time.Now()
		type end struct {
			after time.Duration
			err   error
		}
		ends := make(chan end, 10)
		login := func(ctx context.Context) {
			_, _, err := o.connect(ctx)
			ends <- end{time.Since(began), err}
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go login(impatient)
		synctest.Wait() // so that the question was the impatient one's
		for range 9 {
			go login(t.Context())
		}
		if first := <-ends; first.after != time.Second || !errors.Is(first.err, context.DeadlineExceeded) {
			t.Errorf("who waits a second waits %s: %v", first.after, first.err)
		}
		for range 9 {
			if e := <-ends; e.after != providerTime || e.err == nil {
				t.Errorf("a login waits %s: %v", e.after, e.err)
			}
		}
		if n := way.asked.Load(); n != 1 {
			t.Errorf("ten logins have asked %d times", n)
		}
		login(t.Context())
		if e := <-ends; e.err == nil || way.asked.Load() != 2 {
			t.Errorf("the next login has not asked again: %v", e.err)
		}
	})
}
