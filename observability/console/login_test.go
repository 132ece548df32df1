package console

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// What a page asks for by itself does not keep its session from ending for want
// of a request.
func TestLivePageDoesNotProlongASession(t *testing.T) {
	c := &Console{}
	began := time.Now().Add(-sessionIdle / 2)
	id := c.sessions.begin(User{Name: "duty", Role: Viewer}, began)
	last := func(pattern string) time.Time {
		reached := false
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: id})
		c.serve(endpoint{pattern: pattern, role: Viewer, do: func(*visit) error { reached = true; return nil }})(httptest.NewRecorder(), r)
		if !reached {
			t.Fatalf("%s: nobody is logged in", pattern)
		}
		return c.sessions.open[id].last
	}
	if at := last(live); !at.Equal(began) {
		t.Errorf("the live page prolongs its session to %s", at)
	}
	if at := last("GET /letters"); !at.After(began) {
		t.Error("a request does not prolong its session")
	}
	if _, still := c.sessions.user(id, time.Now().Add(sessionIdle+time.Minute), page); still {
		t.Error("the session does not end")
	}
}
