package samples

import (
	"strconv"
	"time"
)

// A Stream is applications without end, of people whom the register knows, on
// each channel in turn. All go the usual way.
type Stream struct {
	m *maker
	n int
}

// NewStream returns the stream of a run: see Flows, whose applications have
// other ids. It may be used by one goroutine at a time.
func NewStream(run string, seed int64) *Stream {
	return &Stream{m: newMaker("s"+run, seed)}
}

// Next returns the next application as a story of its own.
func (s *Stream) Next() Flow {
	s.m.now = time.Now().In(kazakhstan).Truncate(time.Second)
	channel := []string{"migration", "egov", "statecorp"}[s.n%3]
	s.n++
	name := strconv.Itoa(s.n)
	p := s.m.person([]string{"female", "male"}[s.n%2], "MNG")
	f := simple("stream-"+name, "an application of the stream", s.m.application(channel, name, p), 0)
	f.Persons = append(f.Persons, s.m.registered(p))
	return f
}
