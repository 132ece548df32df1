package dashboards

import (
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

// tag joins the boards: each links to all that have it.
const tag = "kandashub"

// columns is how wide Grafana's grid is.
const columns = 24

// JSON is the board in Grafana's classic format, which every version reads.
func (b Board) JSON() ([]byte, error) {
	d := dashboard.NewDashboard()
	d.Uid, d.Title, d.Description = &b.UID, &b.Title, &b.Description
	d.Tags = []string{tag}
	d.Editable = cog.ToPtr(false) // it is changed here, and reviewed
	d.GraphTooltip = cog.ToPtr(dashboard.DashboardCursorSyncCrosshair)
	d.Time = &dashboard.DashboardDashboardTime{From: "now-3h", To: "now"}
	d.Refresh = cog.ToPtr("30s")
	var err error
	if d.Templating.List, err = variables(); err != nil {
		return nil, fmt.Errorf("board %s: %w", b.UID, err)
	}
	if d.Annotations.List, err = annotations(); err != nil {
		return nil, fmt.Errorf("board %s: %w", b.UID, err)
	}
	others, err := dashboard.NewDashboardLinkBuilder("Boards of the hub").Type(dashboard.DashboardLinkTypeDashboards).
		Tags(d.Tags).IncludeVars(true).KeepTime(true).Build()
	if err != nil {
		return nil, fmt.Errorf("board %s: %w", b.UID, err)
	}
	others.Placement = nil // in sight, not in a menu
	d.Links = []dashboard.DashboardLink{others}
	if d.Panels, err = b.panels(); err != nil {
		return nil, fmt.Errorf("board %s: %w", b.UID, err)
	}
	if err := d.Validate(); err != nil {
		return nil, fmt.Errorf("board %s: %w", b.UID, err)
	}
	out, err := json.MarshalIndent(d, "", "  ")
	return append(out, '\n'), err
}

// panels lays the rows out from top to bottom, and their panels from left to
// right, those of one line equally high.
func (b Board) panels() (out []dashboard.PanelOrRowPanel, err error) {
	var id, y uint32
	for _, r := range b.Rows {
		id++
		row := dashboard.NewRowPanel()
		row.Id, row.Title = id, &r.Title
		row.GridPos = &dashboard.GridPos{Y: y, W: columns, H: 1}
		out = append(out, dashboard.PanelOrRowPanel{RowPanel: row})
		y++
		for _, line := range r.lines() {
			var x, high uint32
			for _, p := range line {
				high = max(high, p.Kind.height())
			}
			for _, p := range line {
				id++
				panel, err := p.build()
				if err != nil {
					return nil, fmt.Errorf("panel %s: %w", p.Title, err)
				}
				panel.Id = cog.ToPtr(id)
				panel.GridPos = &dashboard.GridPos{X: x, Y: y, W: p.Width, H: high}
				out = append(out, dashboard.PanelOrRowPanel{Panel: &panel})
				x += p.Width
			}
			y += high
		}
	}
	return out, nil
}

// lines are a row's panels as they fit beside one another.
func (r Row) lines() (lines [][]Panel) {
	left := uint32(0)
	for _, p := range r.Panels {
		if p.Width > left {
			lines, left = append(lines, nil), columns
		}
		last := len(lines) - 1
		lines[last] = append(lines[last], p)
		left -= min(p.Width, left)
	}
	return lines
}

// datasource is the Prometheus that the person has chosen.
func datasource() common.DataSourceRef {
	return common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("${datasource}")}
}

// variables are the same on every board, so that all of them are kept from one to
// the next.
func variables() ([]dashboard.VariableModel, error) {
	source, err := dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus").Build()
	if err != nil {
		return nil, err
	}
	out := []dashboard.VariableModel{source}
	for _, v := range []struct{ name, label, query string }{
		{"job", "Job", "label_values(hub_build_info, job)"},
		{"instance", "Instance", "label_values(hub_build_info{" + job + "}, instance)"},
		{"route", "Route", "label_values(hub_messages_inflight{" + job + "}, route)"},
		{"system", "System", "label_values(hub_external_requests_total{" + job + "}, system)"},
	} {
		all := dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}}
		built, err := dashboard.NewQueryVariableBuilder(v.name).Label(v.label).Datasource(datasource()).
			Query(dashboard.StringOrMap{String: &v.query}).Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
			Sort(dashboard.VariableSortAlphabeticalAsc).Multi(true).IncludeAll(true).AllValue(".+").
			Current(dashboard.VariableOption{Selected: cog.ToPtr(true), Text: dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}}, Value: all}).Build()
		if err != nil {
			return nil, err
		}
		out = append(out, built)
	}
	return out, nil
}

// An Annotation marks moments in all panels of a board.
type Annotation struct {
	Name, Color string
	Query       Query
}

// Annotations are on every board.
func Annotations() []Annotation {
	versions := func(offset string) string {
		return "count by (version, revision) (" + ofHub("hub_build_info") + offset + ")"
	}
	return []Annotation{
		{"Deploys", "blue", Query{
			Expr:   versions("") + " unless " + versions(" offset 5m"),
			Legend: "{{version}} {{revision}}",
		}},
		{"Operator actions", "purple", Query{
			Expr:   "max by (action, result) (increase(" + ofHub("hub_operator_actions_total") + "[2m])) > 0",
			Legend: "{{action}}: {{result}}",
			Empty:  "in a world that is well no operator need act",
		}},
		{"Pauses of routes", "orange", Query{
			Expr:   "max by (route, reason) (" + ofRoute("hub_route_paused") + ") == 1",
			Legend: "{{route}}: {{reason}}",
			Empty:  "in a world that is well no route need pause",
		}},
	}
}

func annotations() (out []dashboard.AnnotationQuery, err error) {
	for _, a := range Annotations() {
		built, err := dashboard.NewAnnotationQueryBuilder().Name(a.Name).IconColor(a.Color).Datasource(datasource()).Enable(true).
			Expr(a.Query.Expr).TitleFormat(a.Name).TextFormat(a.Query.Legend).Step("60s").Build()
		if err != nil {
			return nil, fmt.Errorf("annotation %s: %w", a.Name, err)
		}
		built.Placement = nil // in sight, not in a menu
		out = append(out, built)
	}
	return out, nil
}

// target is one query as a panel asks it. A heat map names its rows after the
// buckets' upper bounds, a table has a row for each series.
func target(p Panel, i int) *prometheus.DataqueryBuilder {
	q := p.Queries[i]
	t := prometheus.NewDataqueryBuilder().RefId(refID(i)).Datasource(datasource()).EditorMode(prometheus.QueryEditorModeCode).
		Expr(q.Expr).LegendFormat(q.Legend).Exemplar(p.Exemplars)
	if p.Kind.now() {
		t.Instant()
	} else {
		t.Range()
	}
	switch p.Kind {
	case Table:
		t.Format(prometheus.PromQueryFormatTable)
	case Heat:
		t.Format(prometheus.PromQueryFormatHeatmap)
	default:
		t.Format(prometheus.PromQueryFormatTimeSeries)
	}
	return t
}

// refID names a panel's query.
func refID(i int) string { return string(rune('A' + i)) }
