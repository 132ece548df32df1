package control

import "fmt"

// Progress is how far a run has come.
type Progress struct {
	Letters int // of the plan
	Skipped int // of them decided by an earlier run of this plan
	Decided int // by this run
	Done    int // carried out by the hub
	Before  int // of these, finished before: nothing was done once more
	Died    int // of these, dead letters again
	Refused int // of those decided, that the hub could not carry out; their letters wait as before

	// Unknown is the letter (route/letter) whose decision the broker may have taken or
	// not: it did not say so, and the run has ended there. Empty if there is none.
	Unknown string

	Results []Result // of each letter of the plan, once the run has ended
}

// Delivered is how many were carried out and neither died again nor had been
// finished before.
func (p Progress) Delivered() int { return p.Done - p.Died - p.Before }

// Waiting is how many decisions the hub has not come to yet.
func (p Progress) Waiting() int { return p.Decided - p.Done - p.Refused }

// String sums a run up.
func (p Progress) String() string {
	s := fmt.Sprintf("%d letters: %d decided before, %d decided, %d carried out: %d delivered or discarded, %d finished before, %d died again; %d wait",
		p.Letters, p.Skipped, p.Decided, p.Done, p.Delivered(), p.Before, p.Died, p.Waiting())
	if p.Refused > 0 {
		s += fmt.Sprintf("; %d were refused", p.Refused)
	}
	if p.Unknown != "" {
		s += "; of 1 it is not known whether it is decided"
	}
	return s
}

// share is how many of those that the hub has come to died again or were refused.
func (p Progress) share() float64 {
	if p.Done+p.Refused == 0 {
		return 0
	}
	return float64(p.Died+p.Refused) / float64(p.Done+p.Refused)
}
