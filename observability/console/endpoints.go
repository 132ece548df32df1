package console

import "net/http"

// An endpoint is one thing that can be asked for.
type endpoint struct {
	pattern string
	role    Role // the least that may; Nobody: everybody, before a login
	do      func(*visit) error

	// title is the key of what an order's form is called; empty for what changes
	// nothing. An order is put on record.
	title string
}

// writes says whether an endpoint may change anything that is the hub's.
func (e endpoint) writes() bool { return e.title != "" }

// live is what a page asks for by itself, for as long as it is open.
const live = "GET /events"

// endpoints is everything that can be asked for.
func endpoints() []endpoint {
	return []endpoint{
		{"GET /login", Nobody, (*visit).loginPage, ""},
		{"POST /login", Nobody, (*visit).loginDev, ""},
		{"GET /login/oidc", Nobody, (*visit).loginOIDC, ""},
		{"GET /callback", Nobody, (*visit).callback, ""},
		{"POST /preferences", Nobody, (*visit).preferences, ""},

		{"POST /logout", Viewer, (*visit).logout, ""},
		{"GET /{$}", Viewer, (*visit).overview, ""},
		{live, Viewer, (*visit).events, ""},
		{"GET /letters", Viewer, (*visit).letterList, ""},
		{"GET /letters/{route}/{letter}", Viewer, (*visit).letterPage, ""},
		{"GET /application", Viewer, (*visit).applicationForm, ""},
		{"POST /application", Viewer, (*visit).application, ""},
		{"GET /routes", Viewer, (*visit).routeList, ""},
		{"GET /routes/{route}", Viewer, (*visit).routePage, ""},
		{"GET /breakers", Viewer, (*visit).breakerList, ""},
		{"GET /groups", Viewer, (*visit).groupList, ""},
		{"GET /audit", Viewer, (*visit).auditPage, ""},
		{"GET /health", Viewer, (*visit).health, ""},
		{"GET /runs", Viewer, (*visit).runList, ""},
		{"GET /runs/{run}", Viewer, (*visit).runPage, ""},

		{"POST /letters/{route}/{letter}/replay", Operator, (*visit).replay, "do.replay"},
		{"POST /letters/{route}/{letter}/discard", Operator, (*visit).discard, "do.discard"},
		{"POST /letters/{route}/{letter}/undo", Operator, (*visit).undo, "do.undo"},
		{"POST /plan", Operator, (*visit).plan, ""},
		{"POST /runs", Operator, (*visit).startRun, "plan.go"},
		{"POST /runs/{run}/cancel", Operator, (*visit).cancelRun, "run.cancel"},
		{"POST /routes/{route}/pause", Operator, (*visit).pause, "do.pause"},
		{"POST /routes/{route}/drain", Operator, (*visit).drain, "do.drain"},
		{"POST /routes/{route}/resume", Operator, (*visit).resume, "do.resume"},
		{"POST /breakers/{route}/open", Operator, (*visit).breakerOpen, "do.open"},
		{"POST /breakers/{route}/release", Operator, (*visit).breakerRelease, "do.release"},

		{"POST /letters/{route}/{letter}/reveal", Approver, (*visit).reveal, "do.reveal"},
		{"POST /breakers/{route}/close", Approver, (*visit).breakerClose, "do.forceclose"},
		{"POST /loss/accept", Approver, (*visit).acceptLoss, "loss.accept"},
		{"GET /audit/export", Approver, (*visit).auditExport, ""},
	}
}

// nowhere answers what is no endpoint: there is no such page, or it cannot be asked for
// in this way.
func (v *visit) nowhere(known *http.ServeMux) error {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		other := v.r.Clone(v.r.Context())
		other.Method = method
		if _, pattern := known.Handler(other); pattern != "/" {
			v.w.Header().Set("Allow", method)
			return errMethod
		}
	}
	return errNotFound
}
