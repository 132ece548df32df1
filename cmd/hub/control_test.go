package main

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"

	"kandashub/topics"
	"kandashub/topics/control"
	"kandashub/topics/payload"
	"kandashub/topics/servertest"
)

// aloneWorld is a world on servers of its own: what stands in hub.control would
// hold every hub of a shared Kafka.
func aloneWorld(t *testing.T) *world {
	t.Helper()
	k := newKafka(t)
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr(), MaxRetries: -1})
	t.Cleanup(func() { rdb.Close() })
	return newWorldOn(t, []string{k.addr}, rdb)
}

// want writes to hub.control as an operator's command does; nil takes it back.
func (w *world) want(key string, value any) {
	w.t.Helper()
	s := control.Open(w.cluster, w.producer, "test")
	if err := s.Put(w.t.Context(), key, value); err != nil {
		w.t.Fatal(err)
	}
}

// file hands in an application, and returns its id.
func (w *world) file() string {
	w.t.Helper()
	a := w.quietly(w.application("migration"))
	w.accept("migration.applications", w.filed(a))
	return a.ApplicationID
}

// othersGoOn sends a message through another route of the same system.
func (w *world) othersGoOn() {
	w.t.Helper()
	id := servertest.Unique("statecorp-")
	w.accept("statecorp.certificate-requests", w.event("statecorp", payload.TypeCertRequested, id, payload.CertificateRequest{
		ApplicationID: id, RequestID: id, IIN: "990101200017", Reason: "lost", FiledAt: time.Now().Format(time.RFC3339),
	}))
	servertest.Eventually(w.t, "the other route calls its system", func() bool {
		return w.calls["kandas"].with("/api/v1/certificate-requests", id) > 0
	})
}

// TestOperatorPausesARoute pauses one route, starts the hub again, and resumes
// it: the route calls nobody in between, not even as the hub starts, and the
// others go on.
func TestOperatorPausesARoute(t *testing.T) {
	const paused = `hub_route_paused{reason="operator",route="register"}`
	w := aloneWorld(t)
	stop := w.start()
	w.want(control.PauseKey("register"), control.Pause{Route: "register", Owner: "duty", Why: "test", Since: time.Now()})
	servertest.Eventually(t, "the route is paused", func() bool { return w.metric(paused) == "1" })
	first := w.file()
	if err := stop(); err != nil {
		t.Error(err)
	}
	w.start()
	second := w.file()
	servertest.Eventually(t, "the route is paused again", func() bool { return w.metric(paused) == "1" })
	w.othersGoOn()
	if n := w.calls["kandas"].with("/api/v1/applications"); n != 0 {
		t.Errorf("%d calls of a route that is paused", n)
	}
	w.want(control.PauseKey("register"), nil)
	w.awaitEffect("kandas", "register", first)
	w.awaitEffect("kandas", "register", second)
}

// TestOperatorForcesABreaker holds a route's breaker open, and releases it.
func TestOperatorForcesABreaker(t *testing.T) {
	const open = `hub_breaker_state{operation="register",state="forced_open",system="kandas"}`
	w := aloneWorld(t)
	w.want(control.BreakerKey("register"), control.Breaker{
		Route: "register", Force: control.ForceOpen, Owner: "duty", Why: "test", Since: time.Now(),
	})
	w.start()
	servertest.Eventually(t, "the breaker is open", func() bool { return w.metric(open) == "1" })
	id := w.file()
	w.othersGoOn()
	if n := w.calls["kandas"].with("/api/v1/applications"); n != 0 {
		t.Errorf("%d calls through a breaker that is forced open", n)
	}
	w.want(control.BreakerKey("register"), nil)
	w.awaitEffect("kandas", "register", id)
}

// startUnready runs the hub until the test ends, and does not wait for it.
func (w *world) startUnready() {
	w.t.Helper()
	cfg, err := loadConfig(maps.Clone(w.environ), routingPlan())
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, cfg, w.log) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the hub ended with: %v", err)
		}
	})
}

// TestRoutesWaitForControl starts a hub that cannot read hub.control: it says
// so, and calls nobody until it can.
func TestRoutesWaitForControl(t *testing.T) {
	w := aloneWorld(t)
	servertest.Eventually(t, "hub.control is deleted", func() bool {
		_, err := w.cluster.Client.DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{control.Topic}})
		return err == nil
	})
	w.startUnready()
	servertest.Eventually(t, "the hub says what it waits for", func() bool {
		status, failed := w.failedChecks()
		return status == http.StatusServiceUnavailable && failed == "control"
	})
	id := w.file()
	servertest.Eventually(t, "the log says why", func() bool {
		return strings.Count(w.log.String(), "hub.control cannot be read") > 2
	})
	if n := w.calls["kandas"].with("/api/v1/applications"); n != 0 {
		t.Errorf("%d calls before hub.control has been read", n)
	}
	if _, err := w.contract.Create(newContext(t, time.Minute), w.cluster.Client, w.partitions, 1); err != nil {
		t.Fatal(err)
	}
	w.awaitEffect("kandas", "register", id)
	servertest.Eventually(t, "ready", func() bool { status, _ := w.failedChecks(); return status == http.StatusOK })
}

// TestLossesStopRoutes holds the routes of C2 and C3 systems from a loss of
// claims to its acceptance, whoever noticed it, before and while they run.
func TestLossesStopRoutes(t *testing.T) {
	w := aloneWorld(t)
	cfg, err := loadConfig(maps.Clone(w.environ), routingPlan())
	if err != nil {
		t.Fatal(err)
	}
	h, err := newHub(cfg, w.log)
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	loss := control.Loss{At: time.Now(), By: "another hub", Route: "iin-generate", Tags: []int{3}}
	w.want(control.KeyLoss, loss)
	var routes []steered
	for _, r := range h.routes {
		routes = append(routes, h.consumer(r))
	}
	held := func() (names []string) {
		for _, r := range routes {
			for _, p := range r.Delivery.Gate.Reasons() {
				if p.Reason == topics.PauseClaims {
					names = append(names, r.Delivery.Route.Name)
				}
			}
		}
		return names
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.controlled(ctx, routes...) }()
	servertest.Eventually(t, "routes are held", func() bool { return len(held()) > 0 })
	if want := []string{"iin-generate", "notify-egov", "notify-statecorp"}; !slices.Equal(held(), want) {
		t.Errorf("held: %v, want %v", held(), want)
	}
	loss.AcceptedAt, loss.AcceptedBy, loss.Why = time.Now(), "duty", "test"
	w.want(control.KeyLoss, loss)
	servertest.Eventually(t, "no route is held", func() bool { return len(held()) == 0 })
	if at := h.losses.Accepted(); at.IsZero() || at.After(time.Now()) {
		t.Errorf("accepted at %s", at)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestLossAtStart looks for counters that are missing although the route has
// been at work.
func TestLossAtStart(t *testing.T) {
	w := aloneWorld(t)
	stop := w.start()
	w.awaitEffect("kandas", "register", w.file())
	servertest.Eventually(t, "an offset is committed", func() bool {
		numbers := make([]int, w.partitions)
		for i := range numbers {
			numbers[i] = i
		}
		offsets, err := w.cluster.Client.OffsetFetch(t.Context(), &kafka.OffsetFetchRequest{GroupID: "hub.register", Topics: map[string][]int{"migration.applications": numbers}})
		if err != nil {
			return false
		}
		return slices.ContainsFunc(offsets.Topics["migration.applications"], func(p kafka.OffsetFetchPartition) bool { return p.CommittedOffset > 0 })
	})
	stop()
	// An older loss, long accepted, hides no newer one.
	w.want(control.KeyLoss, control.Loss{At: time.Now().Add(-time.Hour), By: "another hub", AcceptedAt: time.Now().Add(-time.Minute), AcceptedBy: "duty", Why: "test"})
	if err := w.rdb.FlushAll(t.Context()).Err(); err != nil { // its servers are its own
		t.Fatal(err)
	}
	w.start()
	servertest.Eventually(t, "the loss is written down", func() bool {
		return strings.Contains(w.log.String(), `"msg":"loss of claims","state":true`)
	})
}
