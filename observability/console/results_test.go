package console_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"kandashub/topics"
	"kandashub/topics/claims"
	"kandashub/topics/servertest"
)

// finish ends the claim of a letter's message, as a hub leaves it that died after
// the message was done and before it could say so.
func (w *world) finish(l topics.Letter) {
	w.t.Helper()
	source, id := l.Message()
	ceType, _ := l.Header("ce_type")
	application := string(l.Record.Key)
	content := fmt.Sprint(len(ceType), ":", ceType, len(application), ":", application) + string(l.Record.Value)
	sum := sha256.Sum256([]byte(content))
	acted, err := w.store.Decide(w.t.Context(), claims.Request{
		Route: route, Application: application, Source: source, ID: id, Fingerprint: hex.EncodeToString(sum[:16]),
	}, l.ID, claims.Finish)
	if err != nil || !acted {
		w.t.Fatalf("the claim of %s: acted %v, %v", l.ID, acted, err)
	}
}

var sumForm = regexp.MustCompile(`(?s)<dt>([^<]*)</dt><dd[^>]*>([^<]*)</dd>`)

// sums are the figures of a run's page.
func sums(page string) map[string]string {
	out := map[string]string{}
	for _, m := range sumForm.FindAllStringSubmatch(page, -1) {
		out[m[1]] = m[2]
	}
	return out
}

// starts begins a run of the action on all letters.
func (p *person) starts(action string) (location string) {
	p.t.Helper()
	form, _ := p.planned(action, "all")
	for range 2 { // a double click
		status, to, page := p.post("/runs", form)
		if status != http.StatusSeeOther && status != http.StatusConflict {
			p.t.Fatalf("%d\n%s", status, main(page))
		}
		if status == http.StatusSeeOther {
			location = to
		}
	}
	return location
}

// Of fifty letters, the message of one has been finished before: nothing is done
// for it once more, and the page says so.
func TestARunTellsDuplicates(t *testing.T) {
	const n = 50
	w := newWorld(t, nil)
	w.startHub()
	all := w.sendMany(n)
	done := w.letters(n)[7]
	w.finish(done)
	w.refusing(false)
	p := w.enters("operator")
	location := p.starts(topics.DecideReplay)
	var page string
	servertest.Eventually(t, "the run is through", func() bool {
		page = p.get(location)
		return strings.Contains(page, ">through<")
	})
	effects := 0
	for _, a := range all {
		effects += w.carried(a)
	}
	if finished := w.carried(string(done.Record.Key)); effects != n-1 || finished != 0 {
		t.Errorf("%d effects, %d of them of what had been finished before", effects, finished)
	}
	got := sums(page)
	for name, want := range map[string]string{"Delivered": "49", "Duplicates": "1", "Died again": "0", "Wait for the hub": "0", "Decided by an earlier run": "0", "Decided": "50"} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	if delivered, duplicates := strings.Count(page, ">delivered<"), strings.Count(page, ">duplicate: had been finished before<"); delivered != n-1 || duplicates != 1 {
		t.Errorf("%d are delivered, %d duplicates:\n%s", delivered, duplicates, main(page))
	}
	if kept := w.console.KeptResults(); kept != 0 {
		t.Errorf("%d results are kept of a run that has ended", kept)
	}
	steps, err := w.auditSteps()
	if begun := strings.Count(strings.Join(steps, "\n"), "run plan"); err != nil || begun != 2 { // asked and done
		t.Errorf("on record is %q, %v", steps, err)
	}
}

// What dies again leads to the letter that it is now.
func TestARunTellsWhatDiedAgain(t *testing.T) {
	w := newWorld(t, nil)
	w.startHub()
	w.send("egov-1", "egov-2")
	before := w.letters(2)
	p := w.enters("operator")
	location := p.starts(topics.DecideReplay)
	var page string
	servertest.Eventually(t, "both died again", func() bool {
		page = main(p.get(location))
		return strings.Count(page, ">died again<") == 2
	})
	for _, l := range w.letters(2) {
		p.has(page, `<a href="`+letterURL(l.ID)+`">the letter that it is now</a>`)
		if l.ID == before[0].ID || l.ID == before[1].ID {
			t.Errorf("%s is no new letter", l.ID)
		}
	}
}

// A plan whose run has ended is taken up again: its letters are not decided once
// more, and the page says so.
func TestARunIsTakenUpAgain(t *testing.T) {
	w := newWorld(t, nil)
	w.startHub()
	w.send("egov-1", "egov-2")
	w.letters(2)
	w.refusing(false)
	p := w.enters("operator")
	form, _ := p.planned(topics.DecideReplay, "all")
	run := func() (page string) {
		t.Helper()
		form.Set("request", order().Get("request"))
		status, location, page := p.post("/runs", form)
		if status != http.StatusSeeOther {
			t.Fatalf("%d\n%s", status, main(page))
		}
		servertest.Eventually(t, "it has ended", func() bool {
			page = p.get(location)
			return strings.Contains(page, ">through<")
		})
		return page
	}
	run()
	page := run()
	if got := sums(page); got["Decided by an earlier run"] != "2" || got["Delivered"] != "0" {
		t.Errorf("sums %v", got)
	}
	if n := strings.Count(page, ">decided by an earlier run<"); n != 2 {
		t.Errorf("%d letters were skipped:\n%s", n, main(page))
	}
}
