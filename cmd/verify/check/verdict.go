package check

import (
	"fmt"
	"maps"
	"slices"
)

// maxKept is how many violations of one name are kept. All are counted.
const maxKept = 20

// verdict is a Verdict in the making.
type verdict struct{ *Verdict }

// OK says whether nothing is broken.
func (v *Verdict) OK() bool { return len(v.Found) == 0 }

// Names returns the names of what is broken, with their invariants, sorted.
func (v *Verdict) Names() []string {
	seen := map[string]bool{}
	for _, x := range v.Violations {
		seen[x.Invariant+" "+x.Name] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

func (v *verdict) add(invariant, name, format string, args ...any) {
	v.Found[name]++
	if v.Found[name] <= maxKept {
		v.Violations = append(v.Violations, Violation{invariant, name, fmt.Sprintf(format, args...)})
	}
}

// Check decides what a run came to. The files that h.Writings names are all that
// it reads.
//
//	I1   lost, undecided, half          each good send has exactly one final state
//	I2   duplicate effect, violation at system
//	I3   phantom, aborted read          no effect that nobody sent
//	I4   order, overtaken               an application's effects come in order
//	I5   both, dead letter incomplete, dead letter double, wrong class
//	I6   commit regress, commit ahead
//	I7   replay duplicate
//	I8   result lost, result double
//	I11  personal data, unreadable      (a file that could not be searched)
//	I12  outcome missing, outcome unreadable
//
// I9 is what [Rate], [Recovery] and [Timeline] measure; I10 needs the hubs'
// metrics, and whoever reads those holds them against the history.
func Check(h *History) *Verdict {
	r := tie(h)
	v := &verdict{&Verdict{Found: map[string]int{}}}
	v.count(r)
	v.checkStates(r)
	v.checkRejects(r)
	v.checkEffects(r)
	v.checkOrder(r)
	v.checkLetters(r)
	v.checkCommits(r)
	v.checkResults(r)
	v.checkPersonal(h)
	v.checkOutcomes(r)

	v.Lost = v.Found["lost"] + v.Found["half"]
	v.Doubled = v.Found["duplicate effect"] + v.Found["replay duplicate"] + v.Found["violation at system"]
	v.Disorder = v.Found["order"] + v.Found["overtaken"]
	return v.Verdict
}

// count counts what is no violation.
func (v *verdict) count(r *run) {
	for i := range r.Sends {
		if r.Sends[i].Outcome == Unknown {
			v.Unknown++
		}
	}
	v.Repeats = r.repeats
	waits := map[*carried]bool{}
	for _, m := range r.messages {
		if m.standing == must {
			v.Messages++
		}
		for _, w := range m.wants {
			if len(w.effects) > 0 {
				v.Effects++
			}
			if w.state == waiting && w.by != nil {
				waits[w.by] = true
			}
		}
	}
	v.Waiting = len(waits)
	for _, o := range r.list {
		v.Letters += len(o.letters)
		for _, l := range o.letters {
			if l.class == classUncertain {
				v.Uncertain++
			}
		}
	}
}

// checkStates is I1. A message of unknown outcome may have come to all or to
// nothing.
func (v *verdict) checkStates(r *run) {
	for _, m := range r.messages {
		if m.standing == mustNo {
			continue
		}
		begun := m.standing == must
		for _, w := range m.wants {
			begun = begun || w.state != missing
		}
		for _, w := range m.wants {
			switch {
			case !begun:
			case w.state == missing && m.standing == may:
				v.add("I1", "half", "%s of unknown outcome came to effects, but not to %s", m, w)
			case w.state == missing:
				v.add("I1", "lost", "%s at %s: %s", m, m.place(), w)
			case w.state == open:
				v.add("I1", "undecided", "%s at %s: %s is unfinished, and no letter explains it", m, m.place(), w)
			}
		}
	}
}

func (p place) String() string {
	return fmt.Sprintf("%s/%d offset %d", p.topic, p.partition, p.offset)
}

func (m *message) place() place { return place{m.send.Topic, m.send.Partition, m.send.Offset} }

func (m *message) String() string {
	return fmt.Sprintf("message %s of %s, application %s, seq %d", m.id, m.source, m.send.Application, m.send.Seq)
}

func (w *want) String() string {
	s := fmt.Sprintf("%s %s by route %s", w.System, w.Operation, w.Route)
	if w.Event != "" {
		s += ", event " + w.Event
	}
	return s
}
