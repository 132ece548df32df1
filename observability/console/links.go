package console

import (
	"errors"
	"net/url"
	"strings"

	"kandashub/observability"
)

// Links are where the traces and logs of a chain of messages can be seen: URLs with
// {trace} in the place of a trace id and, for logs, {application} in that of an
// application's id. Empty: there is no such place, and the trace id is text to copy.
type Links struct{ Trace, Logs string }

// CheckLink says what is wrong with a URL of Links, which must hold one of the
// placeholders and no credentials: everybody at the console sees it.
func CheckLink(template string, placeholders ...string) error {
	u, err := url.Parse(template)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.ContainsAny(u.Host, "{}") {
		return errors.New("is no http or https URL without a user")
	}
	for _, p := range placeholders {
		if strings.Contains(template, p) {
			return nil
		}
	}
	return errors.New("does not hold " + strings.Join(placeholders, " or "))
}

// A traceLink is one trace, and where to see it and its logs; empty URLs: nowhere.
type traceLink struct{ ID, Trace, Logs string }

// of returns the links of traces of an application.
func (l Links) of(application string, traces ...string) (links []traceLink) {
	for _, id := range traces {
		fill := strings.NewReplacer("{trace}", id, "{application}", url.QueryEscape(observability.MaskID(application)))
		links = append(links, traceLink{ID: id, Trace: fill.Replace(l.Trace), Logs: fill.Replace(l.Logs)})
	}
	return links
}
