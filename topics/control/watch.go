package control

import (
	"reflect"
	"time"
)

// State returns what operators want now, as far as it has been read.
func (s *Store) State() State {
	state, _ := s.current()
	return state
}

func (s *Store) current() (State, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return stateOf(s.entries, time.Now())
}

// Watch calls f with the state as it is now, and again after each change, also
// when something expires. The calls come one after another; f must be quick,
// must not change what it is given, and must not call Watch.
func (s *Store) Watch(f func(State)) {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.tellLocked()
	s.watchers = append(s.watchers, f)
	f(s.told)
}

// tell calls the watchers if the state has changed.
func (s *Store) tell() {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.tellLocked()
}

func (s *Store) tellLocked() {
	state, next := s.current()
	if !reflect.DeepEqual(state, s.told) {
		s.told = state
		for _, f := range s.watchers {
			f(state)
		}
	}
	s.expire(next)
}

// expire lets the watchers be told when the next thing expires.
func (s *Store) expire(next time.Time) {
	if s.expiry != nil {
		s.expiry.Stop()
		s.expiry = nil
	}
	if !next.IsZero() && !s.ended {
		s.expiry = time.AfterFunc(time.Until(next), s.tell)
	}
}

func (s *Store) end() {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.ended = true
	s.expire(time.Time{})
}
