package check_test

import (
	"fmt"
	"slices"
	"testing"

	"kandashub/cmd/verify/check"
)

// TestOutcomes holds what is reported of messages against what was committed.
func TestOutcomes(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(b *builder, app string, s *check.Send)
		want []string
	}{
		"reported":      {func(b *builder, app string, s *check.Send) { b.outcome("show", app, s.Source, s.ID) }, nil},
		"never":         {func(*builder, string, *check.Send) {}, []string{"I12 outcome missing"}},
		"another route": {func(b *builder, app string, s *check.Send) { b.outcome("sign", app, s.Source, s.ID) }, []string{"I12 outcome missing"}},
		"another's":     {func(b *builder, app string, s *check.Send) { b.outcome("show", app, "egov", s.ID) }, []string{"I12 outcome missing"}},
		"rubbish": {func(b *builder, app string, s *check.Send) {
			b.outcome("show", app, s.Source, s.ID)
			b.record("hub.outcomes", app, "{", nil)
		}, []string{"I12 outcome unreadable"}},
		"switched off": {func(b *builder, _ string, _ *check.Send) { b.Outcomes = false }, nil},
		"not committed yet": {func(b *builder, app string, s *check.Send) {
			b.outcome("show", app, s.Source, s.ID)
			b.good("notices", "c")
			b.endAt("show", "notices", s.Offset+1)
		}, []string{"I1 undecided"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBuilder()
			b.Outcomes = true
			s := b.good("notices", "a")
			b.through(s)
			b.commit("show", "notices", s.Offset+1)
			c.do(b, "a", s)
			v := check.Check(b.end())
			if got := v.Names(); !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v: %+v", got, c.want, v.Violations)
			}
		})
	}
}

// outcome reports what has become of a message.
func (b *builder) outcome(route, app, source, id string) {
	b.record("hub.outcomes", app, fmt.Sprintf(`{"route":%q,"ce_source":%q,"ce_id":%q,"result":"delivered"}`, route, source, id), nil)
}
