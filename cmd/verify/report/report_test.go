package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kandashub/cmd/verify/report"
)

// sample is a report of n scenarios of so many points each.
func sample(n, points int) *report.Report {
	r := report.New()
	began := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	results := []report.Result{report.Passed, report.Failed, report.Void, report.NeedsReal}
	for i := range n {
		row := report.Row{
			Scenario: fmt.Sprintf("scenario-%d", i), About: "what <b> it does", Faults: []string{"F1", "F18"}, World: "embedded", Seed: int64(i),
			Result: results[i%len(results)], Messages: 3000, Effects: 9000, UnknownSends: 3, Recovery: 2.125, Slowest: 11.5, Duration: 30,
			Bit: map[string]int{"kill hub": 7, "reset": 100}, Notes: []string{"a note"},
			Bands: []report.Band{
				{Name: "broker down", From: began.Add(40 * time.Second), To: began.Add(70 * time.Second)},
				{Name: "kill hub", From: began.Add(10 * time.Second), To: began.Add(11 * time.Second)},
				{Name: "kill hub", From: began.Add(90 * time.Second)},
			},
		}
		if row.Result == report.Failed {
			row.Lost, row.Violations = 1, []report.Violation{{Invariant: "I1", Name: "lost", What: "message <1>"}}
		}
		unseen := 0
		for p := range points {
			wave := int(60 + 40*math.Sin(float64(p)/15))
			done := wave
			if p > points/3 && p < points/2 {
				done = 3
			} else {
				done += min(unseen, 60)
			}
			unseen = max(0, unseen+wave-done)
			row.Timeline = append(row.Timeline, report.Point{At: began.Add(time.Duration(p) * 250 * time.Millisecond), Acked: wave, Effects: done, Unseen: unseen})
		}
		r.Add(row)
	}
	return r
}

func TestJSONRoundTrip(t *testing.T) {
	want := sample(4, 20)
	var b bytes.Buffer
	if err := want.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	got, err := report.Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, err := report.Read(strings.NewReader(`{"version":2}`)); err == nil {
		t.Error("a report of another version is read")
	}
}

// element is a part of the page.
type element struct {
	name  string
	attrs map[string]string
	text  string
}

// parse returns all elements of a page. Reading it as XML also proves that
// every one is closed.
func parse(t *testing.T, page []byte) (out []element) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Entity = xml.HTMLEntity
	var open []int
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			e := element{name: x.Name.Local, attrs: map[string]string{}}
			for _, a := range x.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			open = append(open, len(out))
			out = append(out, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				out[open[len(open)-1]].text += string(x)
			}
		}
	}
}

func TestHTML(t *testing.T) {
	r := sample(4, 600)
	r.Rows[3].Timeline = nil
	var b bytes.Buffer
	if err := r.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	count, ids, links := map[string]int{}, map[string]bool{}, []string{}
	var texts strings.Builder
	for _, e := range parse(t, b.Bytes()) {
		count[e.name]++
		count[e.name+"."+e.attrs["class"]]++
		ids[e.attrs["id"]] = true
		texts.WriteString(e.text + "\n")
		if h := e.attrs["href"]; h != "" {
			links = append(links, h)
		}
		for _, a := range []string{"src", "href", "action", "data"} {
			if v := e.attrs[a]; v != "" && !strings.HasPrefix(v, "#") {
				t.Errorf("the page is not alone: %s %s=%q", e.name, a, v)
			}
		}
		if e.name == "path" {
			if d := e.attrs["d"]; !strings.HasPrefix(d, "M") || strings.Contains(d, "NaN") || strings.Contains(d, "Inf") || strings.Count(d, "L") < 200 {
				t.Errorf("path %.60q", d)
			}
		}
	}
	if count["section"] != 4 || count["figure"] != 3 || count["path.p-acked"] != 3 || count["path.p-effects"] != 3 || count["path.p-unseen"] != 3 {
		t.Errorf("elements: %v", count)
	}
	if count["rect.m0"] != 2*3 || count["rect.m1"] != 2*2*3 {
		t.Errorf("bands: %d and %d", count["rect.m0"], count["rect.m1"])
	}
	for _, l := range links {
		if !ids[strings.TrimPrefix(l, "#")] {
			t.Errorf("link %s leads nowhere", l)
		}
	}
	for _, want := range []string{"scenario-3", "what <b> it does", "message <1>", "needs real", "I1 lost", "broker down: 40.0 to 70.0 s",
		"kill hub: 2 times, 61.0 s in all", "recovery, s", "no bound, a scenario with it failed"} {
		if !strings.Contains(texts.String(), want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	for _, want := range []string{"prefers-color-scheme: dark", `name="viewport"`} {
		if !bytes.Contains(b.Bytes(), []byte(want)) {
			t.Errorf("%q is missing", want)
		}
	}
	if bytes.Contains(b.Bytes(), []byte("http")) || bytes.Contains(b.Bytes(), []byte("ZgotmplZ")) {
		t.Error("the page names another one, or was not made whole")
	}
}

func TestHTMLIsSmall(t *testing.T) {
	var b bytes.Buffer
	if err := sample(40, 600).WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 3<<20 {
		t.Errorf("the page has %d bytes", b.Len())
	}
	var long bytes.Buffer
	if err := sample(1, 100_000).WriteHTML(&long); err != nil {
		t.Fatal(err)
	}
	if long.Len() > 100<<10 {
		t.Errorf("a long run's page has %d bytes", long.Len())
	}
}

func TestHTMLOfLittle(t *testing.T) {
	r := report.New()
	at := time.Now()
	r.Add(report.Row{Scenario: "nothing happened", Result: report.Failed, Timeline: []report.Point{{At: at}, {At: at.Add(time.Second)}},
		Bands: []report.Band{{Name: "outside", From: at.Add(-time.Hour), To: at.Add(-time.Minute)}, {Name: "late", From: at.Add(time.Hour)}}})
	r.Add(report.Row{Scenario: "one point", Result: report.Failed, Timeline: []report.Point{{At: at}}})
	r.Add(report.Row{Scenario: "no time", Result: report.Failed, Timeline: []report.Point{{At: at}, {At: at}}})
	var b bytes.Buffer
	if err := r.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	parse(t, b.Bytes())
	if s := b.String(); strings.Contains(s, "NaN") || strings.Contains(s, "Inf") || strings.Contains(s, `width="-`) {
		t.Error("a plot has numbers that are none")
	}
}

func TestTotals(t *testing.T) {
	r := report.New()
	if r.Totals.OK() {
		t.Error("a run of nothing is green")
	}
	r.Add(report.Row{Result: report.Passed, Messages: 10, Bit: map[string]int{"kill": 200, "few": 3}})
	r.Add(report.Row{Result: report.Passed, Messages: 5, Bit: map[string]int{"kill": 100}})
	r.Add(report.Row{Result: report.NeedsReal})
	if !r.Totals.OK() || r.Totals.Messages != 15 || r.Totals.NeedsReal != 1 {
		t.Errorf("got %+v", r.Totals)
	}
	want := []report.Bound{{Fault: "few", Bit: 3, Upper: 1}, {Fault: "kill", Bit: 300, Upper: 0.01}}
	if d := cmp.Diff(want, r.Totals.Bounds); d != "" {
		t.Error(d)
	}
	r.Add(report.Row{Result: report.Void})
	if r.Totals.OK() {
		t.Error("a void run is green")
	}
	r.Add(report.Row{Result: report.Failed, Lost: 2, Bit: map[string]int{"kill": 1}})
	if b := r.Totals.Bounds[1]; r.Totals.OK() || !b.Violated || b.Upper != 1 {
		t.Errorf("after a failure: %+v", r.Totals)
	}
}

func TestPrint(t *testing.T) {
	r := sample(4, 10)
	for range 9 {
		r.Rows[1].Violations = append(r.Rows[1].Violations, r.Rows[1].Violations[0])
	}
	var b strings.Builder
	report.PrintHead(&b)
	for _, row := range r.Rows {
		row.Print(&b)
	}
	r.Totals.Print(&b)
	lines := strings.Split(b.String(), "\n")
	if strings.LastIndex(lines[0], "took s")+len("took s") != strings.LastIndex(lines[1], "30.0")+len("30.0") {
		t.Errorf("the columns do not stand below their heads:\n%s\n%s", lines[0], lines[1])
	}
	for _, want := range []string{"passed     scenario-0 (F1 F18)", "I1 lost: message <1>", "and 5 more", "a note", "1 passed, 1 failed, 1 void, 1 need real", "28 x kill hub"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
}
