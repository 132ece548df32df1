package report

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The plot's own units: the page stretches it to whatever room there is, so all
// text is outside.
const (
	plotWidth   = 1000
	plotRates   = 100 // height of the rates
	plotUnseen  = 40  // height of the unseen
	plotColumns = 300 // most points that are drawn
)

// A plot is one scenario's timeline, ready to be drawn.
type plot struct {
	Acked, Effects, Unseen string // paths
	TopRate, TopUnseen     int    // what the full height stands for
	Ticks                  []string
	Marks                  []mark
	Kinds                  []kind
}

// A mark is a band as it is drawn.
type mark struct {
	Letter      string
	Color       int
	Left, Width float64 // in the plot's units
	Percent     float64 // Left, of the width
	Titled      bool    // there is room for its letter
	Name        string
}

// A kind is all bands of one name.
type kind struct {
	Letter string
	Color  int
	Name   string
	Times  int
	Span   string // from when to when the first lasted, or how long all did
}

// markColors is how many colours of bands the page knows.
const markColors = 6

// plotOf draws a row's timeline; nil if there is none.
func plotOf(r *Row) *plot {
	if len(r.Timeline) < 2 {
		return nil
	}
	step := r.Timeline[1].At.Sub(r.Timeline[0].At)
	begin := r.Timeline[0].At
	length := time.Duration(len(r.Timeline)) * step
	if step <= 0 {
		return nil
	}
	columns, per := squeeze(r.Timeline)
	seconds := step.Seconds() * float64(per)
	var acked, effects, unseen []float64
	for _, c := range columns {
		acked = append(acked, float64(c.Acked)/seconds)
		effects = append(effects, float64(c.Effects)/seconds)
		unseen = append(unseen, float64(c.Unseen))
	}
	p := &plot{
		TopRate:   roundUp(max(slices.Max(acked), slices.Max(effects))),
		TopUnseen: roundUp(slices.Max(unseen)),
	}
	p.Acked = path(acked, p.TopRate, 0, plotRates)
	p.Effects = path(effects, p.TopRate, 0, plotRates)
	p.Unseen = area(path(unseen, p.TopUnseen, 0, plotUnseen), len(unseen))
	for i := range 5 {
		p.Ticks = append(p.Ticks, fmt.Sprintf("%.3g s", length.Seconds()*float64(i)/4))
	}
	p.mark(r.Bands, begin, length)
	return p
}

// squeeze joins neighbours until there are few enough to be drawn, and returns
// how many went into each.
func squeeze(points []Point) (columns []Point, per int) {
	per = (len(points) + plotColumns - 1) / plotColumns
	for some := range slices.Chunk(points, per) {
		c := Point{At: some[0].At}
		for _, p := range some {
			c.Acked += p.Acked
			c.Effects += p.Effects
			c.Unseen = max(c.Unseen, p.Unseen)
		}
		columns = append(columns, c)
	}
	return columns, per
}

// path draws values as a line. Each stands in the middle of its column.
func path(values []float64, top int, y, height float64) string {
	var b strings.Builder
	for i, v := range values {
		command := 'L'
		if i == 0 {
			command = 'M'
		}
		x := (float64(i) + 0.5) * plotWidth / float64(len(values))
		fmt.Fprintf(&b, "%c%.1f %.1f", command, x, y+height*(1-v/float64(top)))
	}
	return b.String()
}

// area closes a line of n values down to the ground.
func area(line string, n int) string {
	half := plotWidth / float64(n) / 2
	return fmt.Sprintf("%sL%.1f %dL%.1f %dZ", line, plotWidth-half, plotUnseen, half, plotUnseen)
}

// roundUp returns the next of 1, 2, 5, 10, 20, ...
func roundUp(v float64) int {
	for ten := 1; ; ten *= 10 {
		for _, n := range [...]int{1, 2, 5} {
			if float64(n*ten) >= v {
				return n * ten
			}
		}
	}
}

// mark draws the bands. All of one name share a letter and a colour.
func (p *plot) mark(bands []Band, begin time.Time, length time.Duration) {
	end := begin.Add(length)
	spans := map[string]time.Duration{}
	lastLetter := map[string]float64{}
	for _, b := range bands {
		from, to := b.From, b.To
		if to.IsZero() || to.After(end) {
			to = end
		}
		if from.Before(begin) {
			from = begin
		}
		if !to.After(from) {
			to = from
		}
		i := slices.IndexFunc(p.Kinds, func(k kind) bool { return k.Name == b.Name })
		if i < 0 {
			i = len(p.Kinds)
			p.Kinds = append(p.Kinds, kind{
				Letter: letterOf(i), Color: i % markColors, Name: b.Name,
				Span: fmt.Sprintf("%.1f to %.1f s", from.Sub(begin).Seconds(), to.Sub(begin).Seconds()),
			})
		}
		k := &p.Kinds[i]
		k.Times++
		spans[b.Name] += to.Sub(from)
		if k.Times > 1 {
			k.Span = fmt.Sprintf("%d times, %.1f s in all", k.Times, spans[b.Name].Seconds())
		}
		left := min(float64(from.Sub(begin))/float64(length), 1)
		m := mark{
			Letter: k.Letter, Color: k.Color, Name: b.Name, Percent: 100 * left, Left: plotWidth * left,
			Width: max(plotWidth*float64(to.Sub(from))/float64(length), 2),
		}
		before, titled := lastLetter[k.Letter]
		if m.Titled = !titled || left-before > 0.05; m.Titled {
			lastLetter[k.Letter] = left
		}
		p.Marks = append(p.Marks, m)
	}
}

// letterOf names the i-th kind of band: A to Z, then A1, ...
func letterOf(i int) string {
	s := string(rune('A' + i%26))
	if i >= 26 {
		s += fmt.Sprint(i / 26)
	}
	return s
}
