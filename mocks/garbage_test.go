package mocks_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kandashub/mocks"
)

// Garbage comes instead of the answer, after the effect.
func TestGarbage(t *testing.T) {
	for kind, part := range map[string]string{
		"huge": strings.Repeat("x", 1<<20), "deep": strings.Repeat("<a>", 10_000), "bomb": "<!DOCTYPE", "charset": "klingon",
	} {
		effects := 0
		f := mocks.NewFaults(1)
		f.Set(mocks.Fault{Garbage: kind})
		srv := httptest.NewServer(f.Wrap(func(*http.Request) string { return "any" }, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { effects++ })))
		resp, err := http.Post(srv.URL, "text/plain", nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		srv.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), part) {
			t.Errorf("%s: status %d, %d bytes, %v", kind, resp.StatusCode, len(body), err)
		}
		if effects != 1 || f.Struck() != 1 {
			t.Errorf("%s: %d effects, struck %d times", kind, effects, f.Struck())
		}
	}
}
