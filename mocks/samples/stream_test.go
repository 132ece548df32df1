package samples

import (
	"strings"
	"testing"
)

// TestStream: every application has its own id and person, and the channels take
// turns.
func TestStream(t *testing.T) {
	s := NewStream(testRun, 1)
	ids, iins := map[string]bool{}, map[string]bool{}
	for _, f := range all(t) {
		for _, a := range f.Applications {
			ids[a.ApplicationID] = true
		}
	}
	for i := range 30 {
		f := s.Next()
		if len(f.Applications) != 1 || len(f.Persons) != 1 || len(f.Steps) != 1 || f.Alone {
			t.Fatalf("%s is more than one application and its filing", f.Name)
		}
		id := f.Applications[0].ApplicationID
		if channel := []string{"migration-", "egov-", "statecorp-"}[i%3]; !strings.HasPrefix(id, channel) {
			t.Errorf("application %d is %s, want one of %s", i, id, channel)
		}
		if ids[id] || iins[f.Persons[0].IIN] || len(id) > 40 {
			t.Errorf("%s, or its person, was there before", id)
		}
		ids[id], iins[f.Persons[0].IIN] = true, true
	}
}
