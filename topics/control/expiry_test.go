package control

import (
	"testing"
	"testing/synctest"
	"time"
)

// What expires is gone at that moment, and the watchers are told then.
func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Open(nil, nil, "hub")
		start := time.Now()
		add := func(offset int64, key string, value any) {
			b, err := encode(key, value)
			if err != nil {
				t.Fatal(err)
			}
			s.take([]note{{offset: offset, key: []byte(key), value: b}}, offset+1, true)
			s.tell()
		}
		type told struct {
			at               time.Duration
			pauses, breakers int
		}
		var got []told
		s.Watch(func(s State) { got = append(got, told{time.Since(start), len(s.Pauses), len(s.Breakers)}) })
		add(0, PauseKey("a"), Pause{Route: "a", Since: start, Until: start.Add(time.Minute)})
		add(1, PauseKey("b"), Pause{Route: "b", Since: start})
		add(2, BreakerKey("a"), Breaker{Route: "a", Force: ForceOpen, Since: start, Until: start.Add(time.Second)})
		add(3, PauseKey("c"), Pause{Route: "c", Since: start, Until: start}) // has expired before it came
		time.Sleep(time.Hour)
		synctest.Wait()
		want := []told{{0, 0, 0}, {0, 1, 0}, {0, 2, 0}, {0, 2, 1}, {time.Second, 2, 0}, {time.Minute, 1, 0}}
		if len(got) != len(want) {
			t.Fatalf("told %v, want %v", got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("told %v, want %v", got, want)
			}
		}
		if st := s.State(); len(st.Pauses) != 1 || st.Pauses["b"].Route != "b" {
			t.Errorf("%+v", st)
		}
		add(4, PauseKey("d"), Pause{Route: "d", Since: start, Until: time.Now().Add(time.Minute)})
		told5 := len(got)
		s.end()
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(got) != told5 {
			t.Error("told after the end")
		}
	})
}
