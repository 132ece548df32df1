package control

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"kandashub/topics"
)

// A Filter chooses dead letters; what is empty chooses all.
type Filter struct {
	Routes      []string  `json:"routes,omitempty"`
	Class       string    `json:"class,omitempty"`
	Code        string    `json:"code,omitempty"`
	Application string    `json:"application,omitempty"`
	Text        string    `json:"text,omitempty"`     // stands in the reason, upper or lower case
	Since       time.Time `json:"since,omitzero"`     // written at that time or later
	Before      time.Time `json:"before,omitzero"`    // written before that time
	Letters     []string  `json:"letters,omitempty"`  // these, by id
	Discarded   bool      `json:"discarded,omitzero"` // those that were discarded instead of those that wait; see Undo
}

// Takes says whether the filter chooses a letter of a route that it chooses. What
// the letter carries plays no part: nobody learns by searching what is in it.
func (f Filter) Takes(l topics.Letter) bool {
	at := l.Record.Time
	return (f.Class == "" || f.Class == l.Class) && (f.Code == "" || f.Code == l.Code) &&
		(f.Application == "" || f.Application == string(l.Record.Key)) &&
		(len(f.Letters) == 0 || slices.Contains(f.Letters, l.ID)) &&
		strings.Contains(strings.ToLower(l.Reason), strings.ToLower(f.Text)) &&
		(len(f.Letters) == 0 || slices.Contains(f.Letters, l.ID)) &&
		!at.Before(f.Since) && (f.Before.IsZero() || at.Before(f.Before))
}

// routes returns the routes that the filter chooses, or refuses.
func (c *Commands) routes(f Filter) ([]string, error) {
	if len(f.Routes) == 0 {
		return c.Routes, nil
	}
	for _, r := range f.Routes {
		if err := c.known(r); err != nil {
			return nil, err
		}
	}
	return f.Routes, nil
}

// Letters returns the dead letters that the filter chooses, by route in the order
// of the topic. It changes nothing and needs no order.
func (c *Commands) Letters(ctx context.Context, f Filter) ([]topics.Letter, error) {
	routes, err := c.routes(f)
	if err != nil {
		return nil, err
	}
	read := topics.ReadLetters
	if f.Discarded {
		read = readDiscarded
	}
	var out []topics.Letter
	for _, name := range routes {
		letters, err := read(ctx, c.Cluster, topics.Route{Name: name})
		if err != nil {
			return nil, fmt.Errorf("route %s: %w", name, err)
		}
		for _, l := range letters {
			if f.Takes(l) {
				out = append(out, l)
			}
		}
	}
	return out, nil
}

// readDiscarded returns the letters of a route whose discard was carried out and
// has not been undone.
func readDiscarded(ctx context.Context, cluster *topics.Cluster, route topics.Route) ([]topics.Letter, error) {
	log := topics.NewLetterLog(cluster, route)
	if err := log.Read(ctx); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(log.Letters(), func(l topics.Letter) bool {
		_, discarded := discardOf(l)
		return !discarded || !l.Resolved || l.Next != ""
	}), nil
}

// discardOf returns the decision by which a letter was discarded: of several that
// race the first is carried out.
func discardOf(l topics.Letter) (topics.Decision, bool) {
	if len(l.Decisions) == 0 || l.Decisions[0].Action != topics.DecideDiscard {
		return topics.Decision{}, false
	}
	return l.Decisions[0], true
}

// named returns the filter as the audit keeps it: without its text, which may
// hold anything, and with names as about and aboutLetter write them.
func (f Filter) named() Filter {
	f.Text = ""
	f.Routes, f.Letters = slices.Clone(f.Routes), slices.Clone(f.Letters)
	for i := range f.Routes {
		f.Routes[i] = about(f.Routes[i])
	}
	for i := range f.Letters {
		f.Letters[i] = aboutLetter(f.Letters[i])
	}
	for _, name := range []*string{&f.Class, &f.Code, &f.Application} {
		if *name != "" {
			*name = about(*name)
		}
	}
	return f
}
