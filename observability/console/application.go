package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"kandashub/topics"
	"kandashub/topics/control"
)

// A History finds what became of an application's messages.
type History interface {
	// Timeline returns what happened to an application, in order of time.
	Timeline(ctx context.Context, application string) ([]Event, error)

	// Progress says how far the index has come in reading.
	Progress() (read, end int64)
}

// An Event is one thing that happened to an application.
type Event struct {
	At      time.Time
	Kind    string
	Route   string
	System  string
	Message string
	Text    string
	Trace   string
	Took    time.Duration
	Waited  time.Duration
}

// applicationForm asks for an application.
func (v *visit) applicationForm() error {
	return v.show(http.StatusOK, "application", map[string]any{})
}

// application shows what happened to one. It is asked for by POST, so that its id
// stays out of addresses and histories.
func (v *visit) application() error {
	id := strings.TrimSpace(v.r.PostFormValue("application"))
	if id == "" || len(id) > topics.MaxApplicationID || strings.ContainsAny(id, " \t\n") {
		return v.show(http.StatusBadRequest, "application", map[string]any{"Wrong": true})
	}
	data := map[string]any{"Application": id, "Index": v.cfg.History != nil}
	if err := v.letters.read(v.r.Context()); err != nil {
		return err
	}
	data["Letters"] = v.letters.find(letterQuery{Filter: control.Filter{Application: id}, State: "all", Oldest: true, Page: 1}).Rows
	if v.cfg.History != nil {
		began := time.Now()
		events, err := v.cfg.History.Timeline(v.r.Context(), id)
		if err != nil {
			return err
		}
		data["Events"], data["Took"] = events, time.Since(began)
		read, end := v.cfg.History.Progress()
		data["Behind"] = max(0, end-read)
	}
	return v.show(http.StatusOK, "application", data)
}
