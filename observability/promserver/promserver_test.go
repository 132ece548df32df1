package promserver_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"kandashub/observability/promserver"
	"kandashub/topics/servertest"
)

const rules = `groups:
  - name: g
    rules:
      - {alert: Busy, expr: 'max by (job) (hub_work) > 1', labels: {severity: warning}}
      - {alert: Always, expr: 'vector(1)'}
`

// A hub that it is told of later raises an alert, and is left alone once it is no
// longer to be looked at.
func TestServer(t *testing.T) {
	program, err := exec.LookPath("prometheus")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("prometheus is not installed: in CI that is a failure")
		}
		t.Skip("skipped: prometheus is not installed")
	}
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("# TYPE hub_work gauge\nhub_work 2\n")) // Prometheus may have gone
	}))
	defer hub.Close()
	s, err := promserver.New(t.TempDir(), servertest.FreeAddress(t), []byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command(program, s.Args()...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, said.String())
		}
	}()
	eventually(t, func(ctx context.Context) bool { return s.Ready(ctx) == nil })
	fire := func(want ...string) {
		t.Helper()
		eventually(t, func(ctx context.Context) bool {
			firing, err := s.Alerts(ctx)
			var got []string
			for _, a := range firing {
				got = append(got, a.String())
			}
			slices.Sort(got)
			return err == nil && slices.Equal(got, want)
		})
	}
	always, busy := "Always{} 1", `Busy{job="hub",severity="warning"} 2`
	fire(always)
	if err := s.Watch(strings.TrimPrefix(hub.URL, "http://")); err != nil {
		t.Fatal(err)
	}
	fire(always, busy)
	want := fmt.Sprintf(`[hub_work{instance=%q,job="hub"} 2]`, strings.TrimPrefix(hub.URL, "http://"))
	if series, err := s.Series(t.Context(), "hub_work"); fmt.Sprint(series) != want || err != nil {
		t.Errorf("the series are %v: %v, want %s", series, err, want)
	}
	if err := s.Ask(t.Context(), "/api/v1/query", nil, nil); err == nil || !strings.Contains(err.Error(), "parse") {
		t.Errorf("no query is no error: %v", err)
	}
	if err := s.Watch(); err != nil {
		t.Fatal(err)
	}
	fire(always)
}

func eventually(t *testing.T, ok func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !ok(ctx) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("it does not come to that within a minute")
		}
	}
}
