package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"kandashub/topics"
	"kandashub/topics/control"
)

// planQuery reads what a plan is about: letters that were chosen one by one, or a
// whole filter.
func (v *visit) planQuery() (letterQuery, error) {
	values, err := url.ParseQuery(v.r.PostFormValue("filter"))
	if err != nil {
		return letterQuery{}, wrong("filter")
	}
	q, err := v.query(values)
	if err != nil {
		return q, err
	}
	if v.r.PostFormValue("which") != "selected" {
		if q.State != "" && q.State != "open" { // a plan knows only letters that nobody has decided
			return q, refusal("state_open")
		}
		return q, nil
	}
	for _, name := range v.r.PostForm["letter"] {
		route, id, ok := strings.Cut(name, "/")
		if !ok {
			return q, wrong("letter", shorten(name, 80))
		}
		q.Letters, q.Chosen = append(q.Letters, id), append(q.Chosen, name)
		if !slices.Contains(q.Routes, route) {
			q.Routes = append(q.Routes, route)
		}
	}
	if len(q.Letters) == 0 {
		return q, refusal("nothing_chosen")
	}
	return q, nil
}

// makePlan makes the plan of an action on what a query chooses.
func (v *visit) makePlan(q letterQuery, action string) (p control.Plan, err error) {
	err = v.weigh(func(ctx context.Context) error {
		p, err = v.cfg.Commands.Plan(ctx, q.Filter, action)
		return err
	})
	return p, err
}

// plan says what a decision of many letters would come to. It changes nothing.
func (v *visit) plan() error {
	q, err := v.planQuery()
	if err != nil {
		return err
	}
	action := v.r.PostFormValue("action")
	p, err := v.makePlan(q, action)
	if err != nil {
		return err
	}
	waiting := 0
	for _, o := range p.Orders {
		waiting += o.Followers
	}
	many := action == topics.DecideDiscard && p.Letters > typedFrom
	return v.show(http.StatusOK, "plan", map[string]any{
		"Plan": p, "Query": q, "Waiting": waiting, "Typed": many, "Rate": runRate,
		"Allowed": !many || v.user.Role >= Approver, "Orders": p.Orders[:min(len(p.Orders), 20)],
	})
}
