package traces

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"time"
)

//go:embed page.html
var markup string

// pages are what people see.
var pages = template.Must(template.New("").Parse(markup))

// shown bounds the list of traces.
const shown = 200

// A listed trace is one row of the list.
type listed struct {
	ID, Applications, First, Took string
	Began                         time.Time
	Spans, Failed                 int
}

func (r *Receiver) list(w http.ResponseWriter, req *http.Request) {
	wanted := req.FormValue("application")
	var rows []listed
	r.mu.Lock()
	total := len(r.traces)
	for _, t := range slices.Backward(r.traces) {
		if len(rows) == shown {
			break
		}
		if wanted == "" || slices.ContainsFunc(t.spans, func(s span) bool { return s.application == wanted }) {
			rows = append(rows, t.row())
		}
	}
	r.mu.Unlock()
	render(w, "list", map[string]any{"Rows": rows, "Total": total, "Application": wanted})
}

func (t *trace) row() listed {
	from, to := t.bounds()
	l := listed{ID: t.id, Applications: t.applications(), Began: from, Took: took(to.Sub(from)), Spans: len(t.spans) + t.left}
	for _, s := range t.spans {
		if s.began.Equal(from) && l.First == "" {
			l.First = s.name
		}
		if s.failed {
			l.Failed++
		}
	}
	return l
}

// A bar is one span on the page of its trace.
type bar struct {
	Name, Failure, After, Took string
	Facts                      []string
	Failed                     bool
	Depth                      int
	X, Width                   float64 // in thousandths of the whole
}

func (r *Receiver) show(w http.ResponseWriter, req *http.Request) {
	id := req.PathValue("trace")
	r.mu.Lock()
	t := r.byID[id]
	var copied trace
	if t != nil {
		copied = trace{id: t.id, spans: slices.Clone(t.spans), left: t.left}
	}
	r.mu.Unlock()
	if t == nil {
		w.WriteHeader(http.StatusNotFound)
		render(w, "none", map[string]any{"Kept": maxTraces})
		return
	}
	render(w, "trace", map[string]any{"Row": copied.row(), "Bars": copied.bars(), "Left": copied.left})
}

// bars puts the spans below what they follow from, by time. A span whose parent
// was not kept, or that is its own ancestor, begins at the left.
func (t *trace) bars() (out []bar) {
	from, to := t.bounds()
	whole := max(to.Sub(from), 1)
	known, children := map[string]bool{}, map[string][]span{}
	slices.SortStableFunc(t.spans, func(a, b span) int { return a.began.Compare(b.began) })
	for _, s := range t.spans {
		known[s.id] = true
	}
	var roots []span
	for _, s := range t.spans {
		if known[s.parent] && s.parent != s.id {
			children[s.parent] = append(children[s.parent], s)
		} else {
			roots = append(roots, s)
		}
	}
	done := map[string]bool{}
	var add func(s span, depth int)
	add = func(s span, depth int) {
		if done[s.id] {
			return
		}
		done[s.id] = true
		x := 1000 * float64(s.began.Sub(from)) / float64(whole)
		width := 1000 * float64(max(s.ended.Sub(s.began), 0)) / float64(whole)
		out = append(out, bar{
			Name: s.name, Failure: s.failure, Failed: s.failed, Facts: s.facts, Depth: min(depth, 12),
			After: took(s.began.Sub(from)), Took: took(s.ended.Sub(s.began)), X: min(x, 997), Width: max(width, 3),
		})
		for _, c := range children[s.id] {
			add(c, depth+1)
		}
	}
	for _, s := range roots {
		add(s, 0)
	}
	for _, s := range t.spans { // in a ring
		add(s, 0)
	}
	return out
}

// took is a duration with three digits and its unit.
func took(d time.Duration) string {
	switch {
	case d < 0:
		return "–" + took(-d)
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2f ms", float64(d)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	case d < time.Minute:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

func render(w http.ResponseWriter, page string, data any) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	_ = pages.ExecuteTemplate(w, page, data) // who asked has gone
}
