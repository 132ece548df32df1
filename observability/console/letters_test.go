package console_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"kandashub/observability/console"
	"kandashub/topics"
	"kandashub/topics/control"
	"kandashub/topics/servertest"
)

// auditSteps returns what is on record: action, object and result.
func (w *world) auditSteps() (steps []string, err error) {
	records, err := control.ReadAudit(w.t.Context(), w.cluster)
	if err == nil {
		err = control.VerifyAudit(records)
	}
	for _, r := range records {
		steps = append(steps, r.Action+" "+r.Object+": "+r.Result)
	}
	return steps, err
}

func letterURL(id string) string { return "/letters/" + route + "/" + url.PathEscape(id) }

// From a letter in the list to its effect at the system, once.
func TestReplayOne(t *testing.T) {
	w := newWorld(t, nil)
	w.startHub()
	w.send("egov-1", "egov-2")
	letters := w.letters(2)
	p := w.enters("operator")
	page := p.get("/letters?application=" + string(letters[0].Record.Key))
	p.has(page, letterURL(letters[0].ID))
	p.hasNot(page, letters[1].ID)
	page = p.get(letterURL(letters[0].ID))
	p.has(page, "refused by the test")
	p.hasNot(page, iin)
	p.hasNot(page, "Secretova")

	w.refusing(false)
	form := order()
	for range 2 { // a double click
		status, location, page := p.post(letterURL(letters[0].ID)+"/replay", form)
		if status != http.StatusSeeOther && status != http.StatusConflict { // the second may find it resolved
			t.Errorf("%d\n%s", status, main(page))
		}
		if status == http.StatusSeeOther && location != letterURL(letters[0].ID) {
			t.Errorf("leads to %s", location)
		}
	}
	w.letters(1)
	application := string(letters[0].Record.Key)
	servertest.Eventually(t, "the effect", func() bool { return w.carried(application) == 1 })
	if status, _, page := p.post(letterURL(letters[0].ID)+"/replay", order()); status != http.StatusConflict {
		t.Errorf("a replay of what is resolved: %d\n%s", status, main(page))
	}
	if n := w.carried(application); n != 1 {
		t.Errorf("%d effects", n)
	}
	steps, err := w.auditSteps()
	if err != nil || !slices.Contains(steps, "replay letter register/"+letters[0].ID+": done") {
		t.Errorf("on record is %q, %v", steps, err)
	}
}

// Without a reason nothing happens.
func TestReasonIsNeeded(t *testing.T) {
	w := newWorld(t, nil)
	w.startHub()
	w.send("egov-1")
	id := w.letters(1)[0].ID
	p := w.enters("operator")
	form := order()
	form.Set("why", "  ")
	if status, _, page := p.post(letterURL(id)+"/discard", form); status != http.StatusConflict || !strings.Contains(page, "Say why: the reason is kept with what you do.") {
		t.Errorf("%d\n%s", status, main(page))
	}
	form.Set("why", "the person with "+iin+" asked")
	if status, _, page := p.post(letterURL(id)+"/discard", form); status != http.StatusConflict || strings.Contains(page, iin) || !strings.Contains(page, `value="the person with [iin] asked"`) {
		t.Errorf("%d\n%s", status, main(page))
	}
	w.letters(1)
}

// What a letter carries is seen by who may, with a reason, on record.
func TestReveal(t *testing.T) {
	w := newWorld(t, nil)
	w.startHub()
	w.send("egov-1")
	id := w.letters(1)[0].ID
	operator, approver := w.enters("operator"), w.enters("approver")
	if status, _, page := operator.post(letterURL(id)+"/reveal", order()); status != http.StatusForbidden || strings.Contains(page, iin) {
		t.Errorf("%d\n%s", status, main(page))
	}
	form := order()
	form.Del("why")
	if status, _, page := approver.post(letterURL(id)+"/reveal", form); status != http.StatusConflict || strings.Contains(page, iin) {
		t.Errorf("without a reason: %d\n%s", status, main(page))
	}
	if steps, _ := w.auditSteps(); len(steps) != 0 {
		t.Errorf("on record is %q", steps)
	}
	status, _, page := approver.post(letterURL(id)+"/reveal", order())
	if status != http.StatusOK {
		t.Fatalf("%d\n%s", status, main(page))
	}
	approver.has(page, iin)
	if steps, err := w.auditSteps(); err != nil || !slices.Equal(steps, []string{"show payload register/" + id + ": asked", "show payload register/" + id + ": done"}) {
		t.Errorf("on record is %q, %v", steps, err)
	}
	approver.hasNot(approver.get(letterURL(id)), iin)
}

// What was discarded comes back.
func TestDiscardAndUndo(t *testing.T) {
	w := newWorld(t, nil)
	w.startHub()
	w.send("egov-1")
	id := w.letters(1)[0].ID
	p := w.enters("operator")
	if status, _, page := p.post(letterURL(id)+"/discard", order()); status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", status, main(page))
	}
	w.letters(0)
	servertest.Eventually(t, "the page offers to undo it", func() bool { return strings.Contains(p.get(letterURL(id)), letterURL(id)+"/undo") })
	p.hasNot(p.get("/letters"), id)
	p.has(p.get("/letters?state=resolved"), id)
	status, location, page := p.post(letterURL(id)+"/undo", order())
	if status != http.StatusSeeOther || location == letterURL(id) {
		t.Fatalf("%d, %s\n%s", status, location, main(page))
	}
	p.has(p.get(location), "waits for a decision")
	w.letters(1)
	// The first letter stays one that was discarded: its message has not died again.
	p.has(p.get("/letters?state=resolved"), id)
	p.hasNot(p.get("/letters?state=died"), id)
	page = main(p.get(letterURL(id)))
	p.has(page, `data-state="resolved"`)
	p.has(page, `that was undone; now it is: <a href="`+location)
}

// A filter is a URL, its groups count all it chooses, and its pages are whole.
func TestFilterAndPages(t *testing.T) {
	w := newWorld(t, nil)
	w.startHub()
	n := 2*console.PageSize + 7
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("egov-%04d", i))
	}
	w.send(all...)
	w.letters(n)
	p := w.enters("viewer")
	servertest.Eventually(t, "all are found", func() bool { return strings.Contains(p.get("/letters"), fmt.Sprintf("%d found", n)) })
	row := regexp.MustCompile(`data-href="/letters/register/([^"]+)"`)
	for _, sort := range []string{"", "oldest"} {
		seen := map[string]bool{}
		var times []string
		for page := 1; page <= 3; page++ {
			got := p.get(fmt.Sprintf("/letters?sort=%s&page=%d", sort, page))
			for _, m := range row.FindAllStringSubmatch(got, -1) {
				seen[m[1]] = true
			}
			for _, m := range regexp.MustCompile(`(?s)<tr data-row.*?datetime="([^"]+)"`).FindAllStringSubmatch(got, -1) {
				times = append(times, m[1])
			}
		}
		if len(seen) != n {
			t.Errorf("sorted %q, three pages have %d letters of %d", sort, len(seen), n)
		}
		if sort == "" {
			slices.Reverse(times)
		}
		if !slices.IsSorted(times) {
			t.Errorf("sorted %q: %v", sort, times)
		}
	}
	for query, want := range map[string]int{
		"route=register": n, "route=verify": 0, "class=rejected": n, "class=uncertain": 0, "code=http_422": n, "code=nothing": 0,
		"text=REFUSED+by": n, "text=other": 0, "application=egov-0003": 1, "since=2001-01-01T00:00": n, "until=2001-01-01T00:00": 0,
		"since=2999-01-01T00:00": 0, "state=decided": 0, "state=open": n, "state=all": n,
	} {
		p.has(p.get("/letters?"+query), fmt.Sprintf("%d found", want))
	}
	for _, bad := range []string{"page=0", "page=x", "since=yesterday"} {
		if status, _, _ := p.do(http.MethodGet, "/letters?"+bad, nil); status != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, status)
		}
	}
}

// planned sends the form of the list and returns the form of the plan's page.
func (p *person) planned(action, which string, letters ...string) (url.Values, string) {
	p.t.Helper()
	status, _, page := p.post("/plan", url.Values{"action": {action}, "which": {which}, "filter": {"route=register"}, "letter": letters})
	if status != http.StatusOK {
		p.t.Fatalf("%d\n%s", status, main(page))
	}
	form := order("rate", "500")
	for _, m := range regexp.MustCompile(`<input type="hidden" name="(plan|action|filter|which|letter)" value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		form.Add(m[1], strings.ReplaceAll(m[2], "&amp;", "&"))
	}
	return form, page
}

// Many letters: first what it would come to, then the run, then each result.
func TestReplayOfAFilter(t *testing.T) {
	w := newWorld(t, nil)
	w.startHub()
	all := w.sendMany(15)
	letters := w.letters(len(all))
	p := w.enters("operator")
	form, page := p.planned("replay", "all")
	p.has(page, "15 letters would be decided")
	if steps, _ := w.auditSteps(); len(steps) != 0 {
		t.Errorf("a dry run is on record: %q", steps)
	}
	w.refusing(false)
	for _, rate := range []string{"NaN", "Inf", "1e-10", "501"} {
		wrong := maps.Clone(form)
		wrong.Set("rate", rate)
		if status, _, page := p.post("/runs", wrong); status != http.StatusConflict {
			t.Errorf("a rate of %s: %d\n%s", rate, status, main(page))
		}
	}
	var location string
	for range 2 { // a double click
		status, to, page := p.post("/runs", form)
		if status != http.StatusSeeOther && status != http.StatusConflict {
			t.Fatalf("%d\n%s", status, main(page))
		}
		if status == http.StatusSeeOther {
			location = to
		}
	}
	servertest.Eventually(t, "the run is through", func() bool { return strings.Contains(p.get(location), ">through<") })
	for _, a := range all {
		if n := w.carried(a); n != 1 {
			t.Errorf("%s: %d effects", a, n)
		}
	}
	servertest.Eventually(t, "each letter's result", func() bool { return strings.Count(p.get(location), ">delivered<") == len(letters) })
	p.has(p.get("/runs"), location)
}

// Chosen ones alone are decided.
func TestReplayOfChosenLetters(t *testing.T) {
	w := newWorld(t, nil)
	w.startHub()
	w.send("egov-1", "egov-2", "egov-3")
	letters := w.letters(3)
	p := w.enters("operator")
	form, page := p.planned("replay", "selected", route+"/"+letters[0].ID, route+"/"+letters[1].ID)
	p.has(page, "2 letters would be decided")
	w.refusing(false)
	if status, _, page := p.post("/runs", form); status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", status, main(page))
	}
	if left := w.letters(1); left[0].ID != letters[2].ID {
		t.Errorf("left is %s", left[0].ID)
	}
	if status, _, _ := p.post("/plan", url.Values{"action": {"replay"}, "which": {"selected"}, "filter": {""}}); status != http.StatusConflict {
		t.Errorf("a plan of nothing: %d", status)
	}
	// A plan knows letters that nobody has decided: all of another state are none.
	for state, want := range map[string]int{"decided": http.StatusConflict, "all": http.StatusConflict, "open": http.StatusOK, "": http.StatusOK} {
		if status, _, _ := p.post("/plan", url.Values{"action": {"replay"}, "which": {"all"}, "filter": {"state=" + state}}); status != want {
			t.Errorf("all that are %q: %d, want %d", state, status, want)
		}
	}
}

// More than ten are discarded by an approver who has typed how many.
func TestDiscardOfMany(t *testing.T) {
	w := newWorld(t, nil)
	w.startHub()
	w.sendMany(11)
	w.letters(11)
	operator, approver := w.enters("operator"), w.enters("approver")
	_, page := operator.planned("discard", "all")
	operator.has(page, "by an approver")
	form, _ := approver.planned("discard", "all")
	form.Set("typed", "11")
	if status, _, _ := operator.post("/runs", form); status != http.StatusForbidden {
		t.Errorf("by an operator: %d", status)
	}
	for _, typed := range []string{"", "10", "eleven"} {
		form := order("rate", "500", "plan", form.Get("plan"), "action", "discard", "filter", form.Get("filter"), "typed", typed)
		if status, _, _ := approver.post("/runs", form); status != http.StatusConflict {
			t.Errorf("typed %q: %d", typed, status)
		}
	}
	w.letters(11)
	if status, _, page := approver.post("/runs", form); status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", status, main(page))
	}
	w.letters(0)
}

// A run that is stopped leaves the rest alone.
func TestCancel(t *testing.T) {
	w := newWorld(t, nil)
	w.startHub()
	w.sendMany(30)
	w.letters(30)
	p := w.enters("operator")
	form, _ := p.planned("replay", "all")
	form.Set("rate", "1")
	w.refusing(false)
	_, location, _ := p.post("/runs", form)
	p.has(p.get(location), location+"/cancel")
	if status, _, page := p.post(location+"/cancel", url.Values{"request": {uuid.NewString()}}); status != http.StatusConflict {
		t.Fatalf("without a reason: %d\n%s", status, main(page))
	}
	if status, _, page := p.post(location+"/cancel", order()); status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", status, main(page))
	}
	servertest.Eventually(t, "the run has ended", func() bool { return strings.Contains(p.get(location), ">canceled<") })
	left, err := w.commands.Letters(t.Context(), control.Filter{})
	if err != nil || len(left) < 20 {
		t.Errorf("left are %d letters, %v", len(left), err)
	}
	if status, _, _ := p.post(location+"/cancel", order()); status != http.StatusConflict {
		t.Errorf("a run that has ended is stopped: %d", status)
	}
	steps, err := w.auditSteps()
	what := "cancel run " + strings.TrimPrefix(location, "/runs/") + ": "
	for _, result := range []string{control.Asked, control.Done, control.Refused} {
		if !slices.Contains(steps, what+result) {
			t.Errorf("on record is %q, not %s (%v)", steps, what+result, err)
		}
	}
}

// No more than two runs are under way at once.
func TestRunsAreBounded(t *testing.T) {
	w := newWorld(t, nil)
	w.startHub()
	w.sendMany(30)
	letters := w.letters(30)
	p := w.enters("operator")
	var forms []url.Values
	for i := range 3 { // ten letters each
		var names []string
		for _, l := range letters[10*i : 10*i+10] {
			names = append(names, route+"/"+l.ID)
		}
		form, _ := p.planned("replay", "selected", names...)
		form.Set("rate", "0.01")
		forms = append(forms, form)
	}
	var first string
	for i, form := range forms {
		want := http.StatusSeeOther
		if i == 2 {
			want = http.StatusConflict
		}
		status, location, page := p.post("/runs", form)
		if status != want {
			t.Fatalf("run %d: %d\n%s", i, status, main(page))
		}
		if i == 0 {
			first = location
		}
	}
	p.post(first+"/cancel", order())
	servertest.Eventually(t, "the run has ended", func() bool { return strings.Contains(p.get(first), ">canceled<") })
	if status, _, page := p.post("/runs", forms[2]); status != http.StatusSeeOther {
		t.Errorf("once one has ended: %d\n%s", status, main(page))
	}
}

// The index of letters keeps what names them, and nothing of what they carry.
func TestIndexKeepsNames(t *testing.T) {
	w := newWorld(t, nil)
	w.seed(20)
	index := topics.NewLetterIndex(w.cluster, topics.Route{Name: route}, 100)
	if err := index.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := 0
	index.Each(func(l *topics.Letter) {
		n++
		source, id := l.Message()
		if source != "egov" || id != string(l.Record.Key)+"-1" || l.Class != "rejected" || l.Reason == "" || len(l.Record.Value) > 0 || len(l.Record.Headers) > 4 {
			t.Errorf("%+v", l.Record)
		}
	})
	if n != 20 {
		t.Errorf("%d letters", n)
	}
}

// BenchmarkLetters is a page of a hundred thousand letters.
func BenchmarkLetters(b *testing.B) {
	w := newWorld(b, nil)
	w.seed(100_000)
	p := w.enters("operator")
	p.has(p.get("/letters"), "100\u202f000 found")
	for i := 0; b.Loop(); i++ {
		p.get(fmt.Sprintf("/letters?text=refused&page=%d", 1+i%2000))
	}
}

// seed writes letters to the route's dead topic as a hub does.
func (w *world) seed(n int) {
	w.t.Helper()
	writers, ctx := errgroup.WithContext(w.t.Context())
	writers.SetLimit(500)
	for i := range n {
		writers.Go(func() error {
			id, application := fmt.Sprintf("rejected.http_%d.%s", 400+i%5, uuid.NewString()), fmt.Sprintf("egov-%06d", i)
			r := kafka.Record{Key: kafka.NewBytes([]byte(application)), Value: kafka.NewBytes([]byte(secret))}
			for _, h := range [][2]string{{"ce_id", application + "-1"}, {"ce_source", "egov"}, {"ce_type", "kz.egov.application.submitted.v1"}, {"ce_subject", application},
				{"hub_kind", "letter"}, {"hub_letter", id}, {"hub_class", "rejected"}, {"hub_code", fmt.Sprintf("http_%d", 400+i%5)},
				{"hub_reason", "rejected: refused by the system"}, {"hub_route", route}, {"hub_holds", "true"}} {
				r.Headers = append(r.Headers, kafka.Header{Key: h[0], Value: []byte(h[1])})
			}
			_, err := w.producer.Append(ctx, route+".dead", i%2, r)
			return err
		})
	}
	if err := writers.Wait(); err != nil {
		w.t.Fatal(err)
	}
}
