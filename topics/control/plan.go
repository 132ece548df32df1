package control

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"kandashub/topics"
)

// A Plan is what one action on many letters comes to. Making one changes
// nothing.
type Plan struct {
	Hash     string      `json:"hash"`
	Action   string      `json:"action"`
	Letters  int         `json:"letters"`
	Excluded int         `json:"excluded"` // that the filter chooses too, but that can only be discarded
	Groups   []PlanGroup `json:"groups"`
	Orders   []OrderRisk `json:"orders"`

	letters []topics.Letter
}

// A PlanGroup counts the letters of one kind.
type PlanGroup struct {
	Route   string    `json:"route"`
	Class   string    `json:"class"`
	Code    string    `json:"code"`
	Letters int       `json:"letters"`
	Oldest  time.Time `json:"oldest"`
}

// An OrderRisk is one application of the plan: what follows upon its letters
// waits parked, and goes on once they have been decided.
type OrderRisk struct {
	Route       string `json:"route"`
	Application string `json:"application"` // as [topics.Letter.Application] shows it
	Letters     int    `json:"letters"`
	Followers   int    `json:"followers"` // messages that wait parked
}

// Plan says what an action (replay or discard) on the letters that the filter
// chooses would come to. Letters that somebody has decided already are not among
// them. It changes nothing and needs no order.
func (c *Commands) Plan(ctx context.Context, f Filter, action string) (Plan, error) {
	if err := bulk(action); err != nil {
		return Plan{}, err
	}
	all, err := c.Letters(ctx, f)
	if err != nil {
		return Plan{}, err
	}
	all = slices.DeleteFunc(all, func(l topics.Letter) bool { return len(l.Decisions) > 0 })
	chosen := slices.DeleteFunc(slices.Clone(all), func(l topics.Letter) bool { return !decidable(l, action) })
	p := Plan{Action: action, Letters: len(chosen), Excluded: len(all) - len(chosen), letters: chosen}
	var last time.Time
	for _, l := range chosen {
		if l.Record.Time.After(last) {
			last = l.Record.Time
		}
	}
	p.Hash = planHash(action, last, chosen)
	p.Groups = groups(chosen)
	p.Orders, err = c.orders(ctx, chosen)
	return p, err
}

// bulk refuses what cannot be decided of many letters at once.
func bulk(action string) error {
	if action != topics.DecideReplay && action != topics.DecideDiscard {
		return refuse("plan_action", "many letters can be replayed or discarded; an answer is given to one")
	}
	return nil
}

// planHash names a plan: the time of its newest letter, and a hash over its
// action and letters. Letters that come later are no part of it.
func planHash(action string, last time.Time, letters []topics.Letter) string {
	names := make([]string, len(letters))
	for i, l := range letters {
		names[i] = l.Route.Name + "/" + l.ID
	}
	slices.Sort(names)
	h := sha256.New()
	_, _ = io.WriteString(h, action+"\n"+strings.Join(names, "\n"))
	return strconv.FormatInt(max(0, last.UnixMilli()), 36) + "-" + hex.EncodeToString(h.Sum(nil)[:16])
}

// lastOf returns the time of the newest letter of a plan, by its hash.
func lastOf(hash string) (time.Time, error) {
	at, _, ok := strings.Cut(hash, "-")
	ms, err := strconv.ParseInt(at, 36, 64)
	if !ok || err != nil {
		return time.Time{}, refuse("plan_none", "%s names no plan", aboutPlan(hash))
	}
	return time.UnixMilli(ms), nil
}

func groups(letters []topics.Letter) []PlanGroup {
	type kind struct{ route, class, code string }
	byKind := map[kind]*PlanGroup{}
	var out []*PlanGroup
	for _, l := range letters {
		k := kind{l.Route.Name, l.Class, l.Code}
		g := byKind[k]
		if g == nil {
			g = &PlanGroup{Route: k.route, Class: k.class, Code: k.code, Oldest: l.Record.Time}
			byKind[k] = g
			out = append(out, g)
		}
		g.Letters++
		if l.Record.Time.Before(g.Oldest) {
			g.Oldest = l.Record.Time
		}
	}
	sorted := make([]PlanGroup, len(out))
	for i, g := range out {
		g.Oldest = g.Oldest.UTC()
		sorted[i] = *g
	}
	slices.SortFunc(sorted, func(a, b PlanGroup) int {
		return cmp.Or(cmp.Compare(a.Route, b.Route), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Code, b.Code))
	})
	return sorted
}

// orders says what waits behind the letters, those with most followers first.
func (c *Commands) orders(ctx context.Context, letters []topics.Letter) ([]OrderRisk, error) {
	type application struct{ key, shown string } // the key counts, and may be anything
	byRoute := map[string]map[application]int{}
	for _, l := range letters {
		if byRoute[l.Route.Name] == nil {
			byRoute[l.Route.Name] = map[application]int{}
		}
		byRoute[l.Route.Name][application{string(l.Record.Key), l.Application()}]++
	}
	var out []OrderRisk
	for route, applications := range byRoute {
		followers, err := topics.ReadFollowers(ctx, c.Cluster, topics.Route{Name: route})
		if err != nil {
			return nil, fmt.Errorf("route %s: %w", route, err)
		}
		for a, n := range applications {
			out = append(out, OrderRisk{Route: route, Application: a.shown, Letters: n, Followers: followers[a.key]})
		}
	}
	slices.SortFunc(out, func(a, b OrderRisk) int {
		return cmp.Or(cmp.Compare(b.Followers, a.Followers), cmp.Compare(a.Route, b.Route), cmp.Compare(a.Application, b.Application))
	})
	return out, nil
}
