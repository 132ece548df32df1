package adapters

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"
)

// What was not sent when an outcome was decided must never be sent later: the
// outcome says that it did not happen.
func TestLeaseEnds(t *testing.T) {
	took := func(n int, err error) func([]byte) (int, error) { return func([]byte) (int, error) { return n, err } }
	t.Run("nothing leaves after the outcome", func(t *testing.T) {
		l := &lease{}
		if sent, refused := l.end(); sent || refused {
			t.Errorf("a fresh lease: sent %t, refused %t", sent, refused)
		}
		_, err := l.write([]byte("x"), func([]byte) (int, error) {
			t.Error("bytes left after the outcome")
			return 1, nil
		})
		if !errors.Is(err, errLeaseOver) {
			t.Errorf("write says %v", err)
		}
	})
	for name, tc := range map[string]struct {
		n             int
		err           error
		sent, refused bool
	}{
		"all":                        {1, nil, true, false},
		"some":                       {1, io.ErrClosedPipe, true, false},
		"nothing":                    {0, io.ErrClosedPipe, false, false},
		"nothing, too late":          {0, os.ErrDeadlineExceeded, false, true},
		"some, then it was too late": {1, os.ErrDeadlineExceeded, true, true},
	} {
		t.Run("the socket took "+name, func(t *testing.T) {
			l := &lease{until: time.Now().Add(time.Hour)}
			l.write([]byte("xy"), took(tc.n, tc.err)) //nolint:errcheck // it is the one given
			if sent, refused := l.end(); sent != tc.sent || refused != tc.refused {
				t.Errorf("sent %t, refused %t, want %t, %t", sent, refused, tc.sent, tc.refused)
			}
		})
	}
	t.Run("while a write is under way it counts as sent", func(t *testing.T) {
		l := &lease{}
		l.write([]byte("x"), func([]byte) (int, error) { //nolint:errcheck // as above
			if sent, _ := l.end(); !sent {
				t.Error("a write under way does not count")
			}
			return 0, io.ErrClosedPipe
		})
	})
	t.Run("a suspended machine", func(t *testing.T) {
		// Its monotonic clock stood still, and the wall clock went on.
		l := &lease{until: time.Now().Add(time.Hour)}
		if l.check(time.Now().Round(0).Add(2*time.Hour)) == nil {
			t.Error("the lease outlives its end by the wall clock")
		}
	})
}
