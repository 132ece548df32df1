package console

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"kandashub/topics"
	"kandashub/topics/control"
)

const (
	// keptResolved is how many records of a partition that are resolved already
	// an index begins with: letters that were decided lately can still be seen.
	keptResolved = 2000

	// freshFor is how long what was read counts as new.
	freshFor = 500 * time.Millisecond

	// readTime bounds reading on; the first time all of it is read.
	readTime, firstReadTime = 3 * time.Second, 2 * time.Minute
)

// A letterIndex holds what names the dead letters of all routes, read on from
// Kafka when somebody looks. A hundred thousand letters need some 60 MB.
type letterIndex struct {
	mu   sync.Mutex
	logs []*topics.LetterLog
	at   time.Time // when it was read last; zero: not to the end yet
}

func newLetterIndex(c *topics.Cluster, routes []string) *letterIndex {
	x := &letterIndex{}
	for _, name := range routes {
		x.logs = append(x.logs, topics.NewLetterIndex(c, topics.Route{Name: name}, keptResolved))
	}
	return x
}

// read reads on, unless that was done just now: for figures.
func (x *letterIndex) read(ctx context.Context) error { return x.readOlder(ctx, freshFor) }

// readAnew reads on in any case: on a page that somebody asked for, what was just
// written is to be seen.
func (x *letterIndex) readAnew(ctx context.Context) error { return x.readOlder(ctx, 0) }

func (x *letterIndex) readOlder(ctx context.Context, than time.Duration) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if time.Since(x.at) < than {
		return nil
	}
	limit := readTime
	if x.at.IsZero() {
		limit = firstReadTime
	}
	// What has been read stays read, so whoever goes away does not stop it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	each, ctx := errgroup.WithContext(ctx)
	each.SetLimit(4)
	for _, log := range x.logs {
		each.Go(func() error { return log.Read(ctx) })
	}
	if err := each.Wait(); err != nil {
		return fmt.Errorf("the dead letters cannot be read: %w", err)
	}
	x.at = time.Now()
	return nil
}

// each calls f with each letter of all routes, in no order of time. The mutex is
// held.
func (x *letterIndex) each(f func(*topics.Letter)) {
	for _, log := range x.logs {
		log.Each(f)
	}
}

// A letterQuery chooses letters; its fields are the parameters of the page.
type letterQuery struct {
	control.Filter
	State  string   // open, decided, resolved, died, all; empty for those that are not resolved
	Oldest bool     // first
	Page   int      // from 1
	Chosen []string // route/letter of those that were chosen one by one; their ids are the filter's

	typed url.Values // as it came; nil: it was made here
}

const pageSize = 50

// takes says whether the query chooses a letter.
func (q letterQuery) takes(l *topics.Letter) bool {
	state := letterState(l)
	switch {
	case q.State == "" && l.Resolved, q.State != "" && q.State != "all" && q.State != state:
		return false
	case len(q.Routes) > 0 && !slices.Contains(q.Routes, l.Route.Name):
		return false
	}
	return q.Takes(*l)
}

// letterState is where a letter stands. One whose discard was undone has a next
// letter, too, but has not died again.
func letterState(l *topics.Letter) string {
	switch {
	case l.Resolved && l.Next != "" && l.Result != topics.ResultDiscarded:
		return "died"
	case l.Resolved:
		return "resolved"
	case len(l.Decisions) > 0:
		return "decided"
	}
	return "open"
}

// A letterRow is a letter as a page shows it.
type letterRow struct {
	Route, ID, Class, Code, Reason string
	Application                    string
	At                             time.Time
	Holds                          bool
	Message                        bool // that can be replayed
	State                          string
	Action, Who                    string // of the decision that takes effect: the first
	Result                         string // what the decision came to, one of control's
	Next                           string // letter that the message is now, where it died again or its discard was undone
	Refusal                        string // why the hub has refused a run's decision
	decision                       string // id of the first decision
	refused                        []topics.RefusedDecision
}

func rowOf(l *topics.Letter) letterRow {
	r := letterRow{
		Route: l.Route.Name, ID: l.ID, Class: l.Class, Code: l.Code, Reason: l.Reason, At: l.Record.Time, Holds: l.Holds, Message: l.HasMessage(),
		Application: l.Application(), State: letterState(l), Result: control.ResultOf(l), Next: l.Next,
		refused: slices.Clone(l.Refused),
	}
	if len(l.Decisions) > 0 {
		r.decision = l.Decisions[0].ID
		r.Action, r.Who = l.Decisions[0].Action, l.Decisions[0].Who
	}
	return r
}

func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// A letterGroup counts the letters of one kind.
type letterGroup struct {
	Route, Class, Code string
	Letters            int
	Oldest             time.Time
}

// A letterPageData is one page of letters.
type letterPageData struct {
	Rows   []letterRow
	Total  int
	Groups []letterGroup // of all that the query chooses
}

// find returns a page of what a query chooses.
func (x *letterIndex) find(q letterQuery) (out letterPageData) {
	x.mu.Lock()
	defer x.mu.Unlock()
	var all []*topics.Letter
	groups := map[[3]string]*letterGroup{}
	x.each(func(l *topics.Letter) {
		if !q.takes(l) {
			return
		}
		all = append(all, l)
		key := [3]string{l.Route.Name, l.Class, l.Code}
		g := groups[key]
		if g == nil {
			g = &letterGroup{Route: key[0], Class: key[1], Code: key[2], Oldest: l.Record.Time}
			groups[key] = g
		}
		g.Letters++
		if l.Record.Time.Before(g.Oldest) {
			g.Oldest = l.Record.Time
		}
	})
	slices.SortStableFunc(all, func(a, b *topics.Letter) int {
		if q.Oldest {
			return a.Record.Time.Compare(b.Record.Time)
		}
		return b.Record.Time.Compare(a.Record.Time)
	})
	out.Total = len(all)
	from := min((q.Page-1)*pageSize, len(all))
	for _, l := range all[from:min(from+pageSize, len(all))] {
		out.Rows = append(out.Rows, rowOf(l))
	}
	for _, g := range groups {
		out.Groups = append(out.Groups, *g)
	}
	slices.SortFunc(out.Groups, func(a, b letterGroup) int {
		return cmp.Or(cmp.Compare(b.Letters, a.Letters), cmp.Compare(a.Route, b.Route), cmp.Compare(a.Code, b.Code))
	})
	return out
}

// get returns one letter of the index.
func (x *letterIndex) get(route, id string) (found topics.Letter, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	err = errNotFound
	x.each(func(l *topics.Letter) {
		if l.Route.Name == route && l.ID == id {
			found, err = *l, nil
			found.Decisions, found.Refused = slices.Clone(l.Decisions), slices.Clone(l.Refused)
		}
	})
	return found, err
}

// unresolved counts a route's letters that nobody has decided of, or whose
// decision has not been carried out.
func (x *letterIndex) unresolved() map[string]letterGroup {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := map[string]letterGroup{}
	x.each(func(l *topics.Letter) {
		if l.Resolved {
			return
		}
		g := out[l.Route.Name]
		if g.Letters == 0 || l.Record.Time.Before(g.Oldest) {
			g.Oldest = l.Record.Time
		}
		g.Letters++
		out[l.Route.Name] = g
	})
	return out
}

// of returns the letters of an application.
func (x *letterIndex) of(application string) (out []topics.Letter) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.each(func(l *topics.Letter) {
		if string(l.Record.Key) == application {
			found := *l
			found.Decisions, found.Refused = slices.Clone(l.Decisions), slices.Clone(l.Refused)
			out = append(out, found)
		}
	})
	return out
}
