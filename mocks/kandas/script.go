package kandas

import (
	"encoding/json"
	"net/http"

	"kandashub/mocks"
)

// A Script says how the commission and the МИО act on one application. Its zero
// value is the positive path: registered, IINs asked, recommended, assigned (or
// extended), certificate issued. It may come before or after the application
// and be changed while it is under way.
type Script struct {
	IIN                 *bool    `json:"iin,omitempty"`                   // false: IINs are not asked
	Recommendation      string   `json:"recommendation,omitempty"`        // assign or refuse; an extension has none unless this says so
	Grounds             []string `json:"grounds,omitempty"`               // of a refusal and its hearing: 1 to 5 and 19-1; usually 1
	Hearing             bool     `json:"hearing,omitempty"`               // a preliminary refusal with a hearing comes before the decision
	Decision            string   `json:"decision,omitempty"`              // assign, refuse, extend, refuse-extension
	BadSignature        bool     `json:"bad_signature,omitempty"`         // the first signature does not fit
	OtherContent        bool     `json:"other_content,omitempty"`         // the first signature is good, but over another document
	RevocationUnknownMS int      `json:"revocation_unknown_ms,omitempty"` // so long after the first signature nobody knows of a revocation
	Certificate         *bool    `json:"certificate,omitempty"`           // whether one follows the decision; an assignment has one unless false
	Missions            bool     `json:"missions,omitempty"`              // missions abroad are told, too
	Officer             string   `json:"officer,omitempty"`               // settle: goes on without the IINs that are unclear; wait (also when empty): does not
	Withdraw            string   `json:"withdraw,omitempty"`              // withdrawn or died: so it ends while the IINs are being checked
}

func oneOf(s string, allowed ...string) bool {
	for _, a := range allowed {
		if s == a {
			return true
		}
	}
	return s == ""
}

func (sc Script) valid() bool {
	for _, g := range sc.Grounds {
		if g == "" || !oneOf(g, "1", "2", "3", "4", "5", "19-1") {
			return false
		}
	}
	return oneOf(sc.Recommendation, "assign", "refuse") &&
		oneOf(sc.Decision, "assign", "refuse", "extend", "refuse-extension") &&
		oneOf(sc.Officer, "settle", "wait") &&
		oneOf(sc.Withdraw, "withdrawn", "died")
}

func (s *system) putScript(w http.ResponseWriter, r *http.Request) {
	var sc Script
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&sc); err != nil || !sc.valid() {
		http.Error(w, "this is not a script; its fields are those of Script in mocks/kandas/script.go", http.StatusBadRequest)
		return
	}
	id := r.PathValue("application")
	s.mu.Lock()
	s.scripts[id] = sc
	if a := s.applications[id]; a != nil {
		a.touch()
	}
	s.mu.Unlock()
	mocks.WriteJSON(w, http.StatusOK, sc)
}

func (s *system) getScript(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	sc := s.scripts[r.PathValue("application")]
	s.mu.Unlock()
	mocks.WriteJSON(w, http.StatusOK, sc)
}

func (s *system) script(application string) Script {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scripts[application]
}
