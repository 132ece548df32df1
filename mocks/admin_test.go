package mocks

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestBearer(t *testing.T) {
	in := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for _, c := range []struct {
		token, shown string
		want         int
	}{
		{"", "", http.StatusNoContent},
		{"t", "Bearer t", http.StatusNoContent},
		{"t", "", http.StatusUnauthorized},
		{"t", "Bearer x", http.StatusUnauthorized},
		{"t", "t", http.StatusUnauthorized},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Authorization", c.shown)
		w := httptest.NewRecorder()
		Bearer(c.token, in).ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("token %q, shown %q: %d, want %d", c.token, c.shown, w.Code, c.want)
		}
	}
}
