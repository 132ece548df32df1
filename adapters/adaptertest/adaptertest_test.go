package adaptertest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"kandashub/adapters"
	"kandashub/topics"
)

// The bare client with a JSON answer passes the whole suite: adapters inherit
// that.
func TestClientConforms(t *testing.T) {
	Run(t, Subject{
		New: func(url string) (Call, error) {
			c, err := adapters.NewClient(adapters.Config{System: "sample", URL: url, Token: "token-s3cret"})
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context, id string) error {
				resp, err := c.Do(ctx, adapters.Request{
					Path: "/echo", Header: http.Header{"X-Message-Id": {id}}, Body: []byte(`{"name":"Ыбырай"}`),
				})
				if err != nil {
					return err
				}
				var out struct{ OK bool }
				return resp.JSON(&out)
			}, nil
		},
		Good:    func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(map[string]bool{"ok": true}) }, //nolint:errcheck
		IDIn:    func(r *http.Request, _ []byte) string { return r.Header.Get("X-Message-ID") },
		Effect:  topics.C1,
		Secrets: []string{"Ыбырай", "token-s3cret"},
	})
}

// A suite that finds nothing is worth nothing.
func TestProblemsAreFound(t *testing.T) {
	fault := Fault{Class: topics.Unavailable, Pause: "auth", RetryAfter: time.Second}
	good := topics.Failure{Class: topics.Unavailable, Code: "http_401", Pause: "auth", RetryAfter: time.Second, Err: io.EOF}
	if got := problems(&good, fault, []string{"Ыбырай"}); got != nil {
		t.Errorf("good failure is blamed: %v", got)
	}
	for name, tc := range map[string]struct {
		spoil func(*topics.Failure)
		want  string
	}{
		"class":  {func(f *topics.Failure) { f.Class = topics.Rejected }, "class"},
		"code":   {func(f *topics.Failure) { f.Code = "" }, "no code"},
		"pause":  {func(f *topics.Failure) { f.Pause = "target" }, "pauses"},
		"wait":   {func(f *topics.Failure) { f.RetryAfter = 0 }, "waits"},
		"secret": {func(f *topics.Failure) { f.Err = errors.New("no Ыбырай here") }, "secret number 0"},
	} {
		f := good
		tc.spoil(&f)
		got := strings.Join(problems(&f, fault, []string{"Ыбырай"}), "; ")
		if !strings.Contains(got, tc.want) || strings.Contains(got, "; ") {
			t.Errorf("%s: problems are %q, want one that says %q", name, got, tc.want)
		}
	}
	if got := problems(nil, fault, nil); len(got) != 1 {
		t.Errorf("a missing error is not found: %v", got)
	}
	if got := problems(io.EOF, Fault{Class: Answer}, nil); len(got) != 1 {
		t.Errorf("an error instead of an answer is not found: %v", got)
	}
}
