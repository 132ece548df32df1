package outcomes

import (
	"cmp"
	"slices"
	"time"

	"kandashub/topics"
)

// A Deadline is how a chain of messages stands to its deadline. A chain begins when
// its first message was made (ce_roottime, by that system's clock), and an
// application can have several: it is filed, and a year later its certificate asked
// for once more.
type Deadline struct {
	From   time.Time `json:"from"`             // the chain's first message was made
	Until  time.Time `json:"until"`            // From and the deadline that the hub is set to
	At     time.Time `json:"at"`               // now where the chain waits, else the end of its last message, as far as is known
	Open   bool      `json:"open"`             // it waits somewhere, parked or for a person
	Source string    `json:"source,omitempty"` // who made the first message, where that is known
}

// Left is the time that is left, or was in the end; below 0: late.
func (d Deadline) Left() time.Duration { return d.Until.Sub(d.At) }

// Gone is the time that has gone since the chain began, or had in the end.
func (d Deadline) Gone() time.Duration { return d.At.Sub(d.From) }

// All is the time from the chain's begin to its deadline.
func (d Deadline) All() time.Duration { return d.Until.Sub(d.From) }

// How a chain stands to its deadline.
const (
	InTime = "in_time"
	AtRisk = "at_risk" // it waits, and less than a fifth of the time is left
	Late   = "late"
)

// State is one of the constants above. At risk means what the metric
// hub_deadline_at_risk_messages counts.
func (d Deadline) State() string {
	switch {
	case d.Left() < 0:
		return Late
	case d.Open && d.Left() < d.All()/5:
		return AtRisk
	}
	return InTime
}

// Deadlines returns how each chain of an application stands to its deadline, which
// is so long after its begin: those that wait first, and of these the one with the
// least time left. No outcome carries its deadline, for the hub has one for all
// (HUB_DEADLINE), and it is not the law's text: it is reckoned here from the chain's
// begin as the metrics reckon it at delivery. What has come to nothing yet counts as
// waiting where all tells of it (see [topics.ResultNone]).
func Deadlines(all []Outcome, deadline time.Duration, now time.Time) []Deadline {
	if deadline <= 0 {
		return nil
	}
	waits := waiting(all)
	chains := map[int64]*Deadline{}
	for i := range all {
		o := &all[i]
		if o.Root.IsZero() {
			continue
		}
		d := chains[o.Root.UnixNano()]
		if d == nil {
			d = &Deadline{From: o.Root, Until: o.Root.Add(deadline)}
			chains[o.Root.UnixNano()] = d
		}
		if o.Time.Equal(o.Root) && o.Source != topics.SourceHub {
			d.Source = o.Source
		}
		if o.Result != topics.ResultDuplicate && o.Finished.After(d.At) { // a duplicate can be met much later
			d.At = o.Finished
		}
		d.Open = d.Open || waits(i)
	}
	var found []Deadline
	for _, d := range chains {
		if d.Open || d.At.IsZero() {
			d.At = now.UTC()
		}
		found = append(found, *d)
	}
	slices.SortFunc(found, func(a, b Deadline) int {
		if a.Open != b.Open {
			return map[bool]int{true: -1, false: 1}[a.Open]
		}
		return cmp.Or(cmp.Compare(a.Left(), b.Left()), a.From.Compare(b.From))
	})
	return found
}
