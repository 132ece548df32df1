package report

import (
	"maps"
	"slices"
)

// Totals are the sums over all rows, and what they allow to say.
type Totals struct {
	Scenarios int `json:"scenarios"`
	Passed    int `json:"passed"`
	Failed    int `json:"failed"`
	Void      int `json:"void"`
	NeedsReal int `json:"needs_real"`

	Messages     int     `json:"messages"`
	Effects      int     `json:"effects"`
	UnknownSends int     `json:"unknown_sends"`
	Lost         int     `json:"lost"`
	Doubled      int     `json:"doubled"`
	Disorder     int     `json:"disorder"`
	Uncertain    int     `json:"uncertain"`
	Letters      int     `json:"letters"`
	Personal     int     `json:"personal"`
	Duration     float64 `json:"duration_s"`

	Bounds []Bound `json:"bounds,omitempty"` // by fault
}

// A Bound is what may be said of a fault that bit n times without a violation:
// with 95 % confidence a single one breaks something with a chance below 3/n
// (the rule of three). It takes the faults to be independent.
type Bound struct {
	Fault    string  `json:"fault"`
	Bit      int     `json:"bit"`
	Upper    float64 `json:"upper"`              // 1 where nothing can be said
	Violated bool    `json:"violated,omitempty"` // a scenario with it failed: there is no bound
}

// OK says whether every scenario that was run passed, and one was.
func (t Totals) OK() bool { return t.Failed == 0 && t.Void == 0 && t.Passed > 0 }

func totals(rows []Row) Totals {
	t := Totals{Scenarios: len(rows)}
	bit, violated := map[string]int{}, map[string]bool{}
	for _, r := range rows {
		switch r.Result {
		case Passed:
			t.Passed++
		case Void:
			t.Void++
		case NeedsReal:
			t.NeedsReal++
		default:
			t.Failed++
		}
		t.Messages += r.Messages
		t.Effects += r.Effects
		t.UnknownSends += r.UnknownSends
		t.Lost += r.Lost
		t.Doubled += r.Doubled
		t.Disorder += r.Disorder
		t.Uncertain += r.Uncertain
		t.Letters += r.Letters
		t.Personal += r.Personal
		t.Duration += r.Duration
		for fault, n := range r.Bit {
			bit[fault] += n
			violated[fault] = violated[fault] || n > 0 && r.Result == Failed
		}
	}
	for _, fault := range slices.Sorted(maps.Keys(bit)) {
		b := Bound{Fault: fault, Bit: bit[fault], Upper: 1, Violated: violated[fault]}
		if b.Bit > 3 && !b.Violated {
			b.Upper = 3 / float64(b.Bit)
		}
		t.Bounds = append(t.Bounds, b)
	}
	return t
}
