package dashboards

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// These are the rules of Grafana's linter for dashboards; those for single queries
// are in promql_test.go.

// unitsAllowed are the units of panels: few, so that like is shown alike.
var unitsAllowed = []string{units.NoUnit, units.Short, units.Seconds, units.Days, units.PercentUnit, units.BytesIEC,
	units.MessagesPerSecond, units.RequestsPerSecond, units.OpsPerSecond}

func TestBoards(t *testing.T) {
	uids := map[string]bool{}
	for _, b := range boardFiles(t) {
		if uids[b.UID] {
			t.Errorf("two boards have the UID %s", b.UID)
		}
		uids[b.UID] = true
		if b.Title == "" || b.Description == "" {
			t.Errorf("%s has no title or no description", b.UID)
		}
		if b.Editable == nil || *b.Editable {
			t.Errorf("%s can be edited in Grafana, where nobody reviews it", b.UID)
		}
		if len(b.Links) != 1 || b.Links[0].Type != "dashboards" || !slices.Equal(b.Links[0].Tags, b.Tags) || !b.Links[0].IncludeVars || !b.Links[0].KeepTime {
			t.Errorf("%s does not lead to the other boards with variables and time kept: %+v", b.UID, b.Links)
		}
		checkVariables(t, b)
		for _, a := range b.Annotations.List {
			if a.Datasource != chosen {
				t.Errorf("%s, annotation %s: asks %+v", b.UID, a.Name, a.Datasource)
			}
		}
	}
}

// chosen is the data source that the person has chosen.
var chosen = source{Type: "prometheus", UID: "${datasource}"}

func checkVariables(t *testing.T, b boardFile) {
	t.Helper()
	known := metricsKnown(t)
	var names []string
	for i, v := range b.Templating.List {
		names = append(names, v.Name)
		var query string
		if err := json.Unmarshal(v.Query, &query); err != nil {
			t.Errorf("%s, $%s: %v", b.UID, v.Name, err)
		}
		if i == 0 {
			if v.Type != "datasource" || v.Label != "Data source" || query != "prometheus" {
				t.Errorf("%s: the data source is not chosen first: %+v", b.UID, v)
			}
			continue
		}
		if v.Type != "query" || v.Datasource != chosen || !strings.EqualFold(v.Label, v.Name) || !v.Multi || !v.IncludeAll || v.AllValue != ".+" {
			t.Errorf("%s, $%s: not a variable for one, some or all: %+v", b.UID, v.Name, v)
		}
		if v.Refresh != 2 {
			t.Errorf("%s, $%s does not follow the time that is shown", b.UID, v.Name)
		}
		selector, name, ok := labelValues(query)
		if !ok || name != v.Name {
			t.Errorf("%s, $%s: asks %s", b.UID, v.Name, query)
			continue
		}
		if labels := resultLabels(parse(t, selector), known); !slices.Contains(labels, name) {
			t.Errorf("%s, $%s: %s has no label %s", b.UID, v.Name, selector, name)
		}
	}
	if want := []string{"datasource", "job", "instance", "route", "system"}; !slices.Equal(names, want) {
		t.Errorf("%s has the variables %v, want %v", b.UID, names, want)
	}
}

// labelValues takes Grafana's label_values(selector, label) apart.
func labelValues(query string) (selector, label string, ok bool) {
	inner, ok := strings.CutPrefix(query, "label_values(")
	if !ok || !strings.HasSuffix(inner, ")") {
		return "", "", false
	}
	inner = strings.TrimSuffix(inner, ")")
	i := strings.LastIndex(inner, ",")
	if i < 0 {
		return "", "", false
	}
	return inner[:i], strings.TrimSpace(inner[i+1:]), true
}

func TestPanels(t *testing.T) {
	uids := map[string]bool{}
	for _, b := range Boards() {
		uids[b.UID] = true
	}
	for _, b := range boardFiles(t) {
		ids, titles := map[int]bool{}, map[string]bool{}
		for _, p := range b.Panels {
			where := b.UID + ", " + p.Title
			if ids[p.ID] || p.ID == 0 {
				t.Errorf("%s: the id %d is taken", where, p.ID)
			}
			ids[p.ID] = true
			if p.Title == "" || titles[p.Title] {
				t.Errorf("%s: every panel has a title of its own", where)
			}
			titles[p.Title] = true
			if p.Type == "row" {
				continue
			}
			checkPanel(t, where, p)
			for _, l := range p.Links {
				board, vars, _ := strings.Cut(strings.TrimPrefix(l.URL, "/d/"), "?")
				if !uids[board] || board == b.UID || !strings.Contains(vars, "${__all_variables}") || !strings.Contains(vars, "${__url_time_range}") {
					t.Errorf("%s leads to %q", where, l.URL)
				}
			}
		}
	}
}

func checkPanel(t *testing.T, where string, p panel) {
	t.Helper()
	if len(p.Description) < 40 {
		t.Errorf("%s does not say what it shows and what to do: %q", where, p.Description)
	}
	if p.Datasource != chosen {
		t.Errorf("%s asks %+v", where, p.Datasource)
	}
	if len(p.Targets) == 0 {
		t.Errorf("%s asks nothing", where)
	}
	for _, q := range p.Targets {
		if q.Datasource != chosen {
			t.Errorf("%s, query %s asks %+v", where, q.RefID, q.Datasource)
		}
		if q.LegendFormat == "" {
			t.Errorf("%s, query %s has no legend", where, q.RefID)
		}
	}
	used := []string{p.FieldConfig.Defaults.Unit}
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			var unit string
			if property.ID == "unit" && json.Unmarshal(property.Value, &unit) == nil {
				used = append(used, unit)
			}
		}
	}
	for _, unit := range used {
		if !slices.Contains(unitsAllowed, unit) {
			t.Errorf("%s has the unit %q", where, unit)
		}
	}
}

// TestGrid finds panels that lie on one another or stand out of the grid.
func TestGrid(t *testing.T) {
	for _, b := range boardFiles(t) {
		taken := map[[2]int]string{}
		for _, p := range b.Panels {
			g := p.GridPos
			if g.W < 1 || g.H < 1 || g.X < 0 || g.X+g.W > columns {
				t.Errorf("%s, %s: %+v is not in the grid", b.UID, p.Title, g)
			}
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" {
						t.Fatalf("%s: %s lies on %s", b.UID, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}

// TestExemplars: the histograms that carry traces show them.
func TestExemplars(t *testing.T) {
	shown := map[string]bool{}
	for _, b := range boardFiles(t) {
		for _, p := range b.Panels {
			for _, q := range p.Targets {
				for _, h := range []string{"hub_end_to_end_latency_seconds", "hub_message_process_duration_seconds", "hub_external_request_duration_seconds"} {
					if q.Exemplar && strings.Contains(q.Expr, h) {
						shown[h] = true
					}
				}
				if q.Exemplar && p.Type != "timeseries" {
					t.Errorf("%s, %s: a %s cannot show exemplars", b.UID, p.Title, p.Type)
				}
			}
		}
	}
	if len(shown) != 3 {
		t.Errorf("exemplars are shown of %v alone", shown)
	}
}
