package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"kandashub/topics/outcomes"
)

// zone is the time of Kazakhstan, in which people on duty think; the UTC stands
// in each time's title.
func zone() *time.Location { return time.FixedZone("UTC+05:00", 5*60*60) }

// formats are how figures are written in one language.
type formats struct{ texts catalogue }

// number writes a count with thin spaces: 12 345.
func (formats) number(n any) string {
	var s string
	switch n := n.(type) {
	case int:
		s = strconv.Itoa(n)
	case int64:
		s = strconv.FormatInt(n, 10)
	default:
		return "?"
	}
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return sign + s
}

// rate writes messages a second.
func (f formats) rate(perSecond float64) string {
	precision := 0
	if perSecond > 0 && perSecond < 10 {
		precision = 1
	}
	figure := strconv.FormatFloat(perSecond, 'f', precision, 64)
	return f.texts.text("unit.rate", strings.Replace(figure, ".", f.texts.text("unit.point"), 1))
}

// lasting writes a duration by its two largest parts at most: 45 s, 3 min,
// 2 h 5 min, 4 d.
func (f formats) lasting(d time.Duration) string {
	d = max(0, d)
	part := func(n int64, unit string) string {
		return strconv.FormatInt(n, 10) + "\u00a0" + f.texts.text("unit."+unit)
	}
	switch {
	case d < time.Second:
		return part(d.Milliseconds(), "ms")
	case d < 2*time.Minute:
		return part(int64(d/time.Second), "s")
	case d < 2*time.Hour:
		return part(int64(d/time.Minute), "min")
	case d < 48*time.Hour:
		out := part(int64(d/time.Hour), "h")
		if m := int64(d % time.Hour / time.Minute); m > 0 {
			out += " " + part(m, "min")
		}
		return out
	}
	return part(int64(d/(24*time.Hour)), "d")
}

func (f formats) seconds(n int) string { return f.lasting(time.Duration(n) * time.Second) }

// after writes the time between two steps. Clocks differ, so it may be below
// zero: that is shown as it is.
func (f formats) after(d time.Duration) string {
	if d < 0 {
		return "−" + f.lasting(-d)
	}
	return "+" + f.lasting(d)
}

// args are what a text tells of, written as the language writes it.
func (f formats) args(all []any) (written []any) {
	for _, a := range all {
		if d, ok := a.(time.Duration); ok {
			a = f.lasting(d)
		}
		written = append(written, a)
	}
	return written
}

// ago writes how long ago something was; a dash for never.
func (f formats) ago(at, now time.Time) string {
	if at.IsZero() {
		return "–"
	}
	return f.lasting(now.Sub(at))
}

// when writes a time as people on duty have it; a dash for none.
func (formats) when(at time.Time) string {
	if at.IsZero() {
		return "–"
	}
	return at.In(zone()).Format("2006-01-02 15:04:05")
}

// moment is when to the millisecond.
func (formats) moment(at time.Time) string { return at.In(zone()).Format("2006-01-02 15:04:05.000") }

// clock writes the time of day to the millisecond; a dash for none.
func (formats) clock(at time.Time) string {
	if at.IsZero() {
		return "–"
	}
	return at.In(zone()).Format("15:04:05.000")
}

// precise writes a time for machines, to the microsecond.
func precise(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000000Z") }

// brief is enough of an id to tell it from others of one application.
func brief(id string) string {
	if len(id) > 8 {
		return id[:8]
	}
	return id
}

// utc writes a time for machines.
func (formats) utc(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// mark is the state of a count that calm people have at zero.
func mark(n any) string {
	switch n := n.(type) {
	case int:
		return attentionIf(n > 0)
	case int64:
		return attentionIf(n > 0)
	}
	return attentionIf(false)
}

// longLag is since when the oldest unfinished message waits that calls for attention, as
// the alert on lag has it.
const longLag = 5 * time.Minute

// markLag is the state of a lag whose oldest message was written at a time.
func markLag(oldest time.Time) string {
	return attentionIf(!oldest.IsZero() && time.Since(oldest) > longLag)
}

// dict makes a map of names and values, for a template that takes several.
func dict(pairs ...any) (map[string]any, error) {
	out := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("%v is no name", pairs[i])
		}
		out[name] = pairs[i+1]
	}
	return out, nil
}

// join writes partition numbers as runs: 0–3, 7.
func join(numbers []int) string {
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		part := strconv.Itoa(numbers[i])
		if j > i {
			part += "–" + strconv.Itoa(numbers[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

// A bar is the picture of a deadline, in thousandths of its width: how far the time
// has gone, where the deadline lies, and where now or the end is.
type bar struct {
	Gone, Until, Now int
	Late             time.Duration // past the deadline
}

// markWidth is the width of a mark, which is to be seen whole at the ends, too.
const markWidth = 5

func barOf(d outcomes.Deadline) bar {
	whole := max(d.Gone(), d.All())
	part := func(t time.Duration) int { return int(min(1, max(0, float64(t)/float64(whole))) * 1000) }
	at := func(n int) int { return min(max(0, n-markWidth/2), 1000-markWidth) }
	gone := part(d.Gone())
	return bar{Gone: gone, Until: at(part(d.All())), Now: at(gone), Late: max(0, -d.Left())}
}
