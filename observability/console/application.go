package console

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/control"
	"kandashub/topics/inspect"
	"kandashub/topics/outcomes"
)

// findTime bounds a search that reads the topic, where no index is kept.
const findTime = 20 * time.Second

// applicationForm asks for an application.
func (v *visit) applicationForm() error {
	return v.show(http.StatusOK, "application", map[string]any{})
}

// application shows what happened to one. It is asked for by POST, so that its id
// stays out of addresses and histories.
func (v *visit) application() error {
	id := strings.TrimSpace(v.r.PostFormValue("application"))
	if !topics.IsApplicationID(id) || observability.MaskID(id) != id { // an IIN is looked for nowhere
		return v.show(http.StatusBadRequest, "application", map[string]any{"Wrong": topics.MaxApplicationID})
	}
	if err := v.letters.readAnew(v.r.Context()); err != nil {
		return err
	}
	began := time.Now()
	found, whole, err := v.wayOf(id)
	if err != nil {
		return err
	}
	took := time.Since(began)
	trail, err := v.audit.read(v.r.Context(), v.cfg.Commands.Cluster)
	if err != nil {
		return err
	}
	now := v.standing()
	events := outcomes.Timeline(id, found, v.letters.of(id), trail.young, now)
	waits := outcomes.Waits(events)
	data := map[string]any{
		"Application": id, "Index": v.cfg.Outcomes != nil, "Took": took, "Cut": !whole,
		"Letters": v.letters.find(letterQuery{Filter: control.Filter{Application: id}, State: "all", Oldest: true, Page: 1}).Rows,
		"Steps":   len(events), "Waits": waits, "Ended": outcomes.Ended(events),
		"Chains": v.chains(id, outcomes.Chains(events, outcomes.Deadlines(found, v.cfg.Deadline, now.At)), waits),
	}
	if v.cfg.Outcomes != nil {
		read, end := v.cfg.Outcomes.Progress()
		data["Behind"] = max(0, end-read)
	}
	return v.show(http.StatusOK, "application", data)
}

// A chainView is a chain as the page shows it.
type chainView struct {
	outcomes.Chain
	Number   int
	Events   []outcomes.Event // told shortly
	Traces   []traceLink
	Unfolded bool
}

// chains are the chains of an application. They are folded, but for those that wait
// first at a place; where nothing waits, for the last one.
func (v *visit) chains(application string, all []outcomes.Chain, waits []outcomes.Wait) (views []chainView) {
	for i, c := range all {
		first := slices.ContainsFunc(waits, func(w outcomes.Wait) bool { return w.Root.Equal(c.Root) })
		view := chainView{Chain: c, Number: i + 1, Events: outcomes.Brief(c.Events), Unfolded: first || len(waits) == 0 && i == len(all)-1}
		if c.Trace != "" {
			view.Traces = v.cfg.Links.of(application, c.Trace)
		}
		views = append(views, view)
	}
	return views
}

// subject is what a type of message is about, without who sends it and its version:
// application.submitted of kz.egov.application.submitted.v1.
func subject(ceType string) string {
	parts := strings.Split(ceType, ".")
	if len(parts) < 4 || parts[0] != "kz" {
		return ceType
	}
	return strings.Join(parts[2:len(parts)-1], ".")
}

// historyOf finds what became of an application's messages, also what a later outcome
// has taken the place of.
func (v *visit) historyOf(ctx context.Context, id string) ([]outcomes.Outcome, error) {
	if v.cfg.Outcomes != nil {
		return v.cfg.Outcomes.History(ctx, id)
	}
	ctx, cancel := context.WithTimeout(ctx, findTime)
	defer cancel()
	return outcomes.FindHistory(ctx, v.cfg.Commands.Cluster, id, nil)
}

// wayOf finds what is known of an application's messages, also of those that are not
// finished, and says whether these are all.
func (v *visit) wayOf(id string) (found []outcomes.Outcome, whole bool, err error) {
	ctx, cancel := context.WithTimeout(v.r.Context(), findTime)
	defer cancel()
	unfinished, whole, err := inspect.Unfinished(ctx, v.cfg.Commands.Cluster, v.cfg.Contract, id)
	if err != nil {
		return nil, false, err
	}
	operations := map[string]string{}
	for _, l := range v.cfg.Local() {
		operations[l.Route] = l.Breaker.Operation
	}
	for i := range unfinished { // Kafka does not know whom a route calls
		o := &unfinished[i]
		if at := slices.IndexFunc(v.cfg.Routes, func(r Route) bool { return r.Name == o.Route }); at >= 0 {
			o.System, o.Operation = v.cfg.Routes[at].System, operations[o.Route]
		}
	}
	if found, err = v.historyOf(v.r.Context(), id); err != nil {
		return nil, false, err
	}
	return outcomes.WithUnfinished(found, unfinished), whole, nil
}

// standing are the pauses of all routes at this moment: those that this process has
// found reasons for, and those that operators want anywhere.
func (v *visit) standing() outcomes.Now {
	now := outcomes.Now{At: time.Now(), Pauses: v.cfg.Commands.Store.State().Reasons()}
	for _, l := range v.cfg.Local() {
		if len(l.Pauses) > 0 {
			now.Pauses[l.Route] = l.Pauses
		}
	}
	return now
}
