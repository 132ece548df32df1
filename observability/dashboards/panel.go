package dashboards

import (
	"fmt"
	"math"
	"strconv"

	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/gauge"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// build makes the panel: what its kind asks for, and what all panels have.
func (p Panel) build() (dashboard.Panel, error) {
	out, err := p.picture()
	if err != nil {
		return out, err
	}
	out.Title, out.Description = &p.Title, &p.Description
	out.Datasource = cog.ToPtr(datasource())
	if out.FieldConfig == nil {
		out.FieldConfig = dashboard.NewFieldConfigSource()
	}
	field := &out.FieldConfig.Defaults
	field.Unit, field.Mappings, field.Thresholds = &p.Unit, mappings(p.States), thresholds(p.Levels)
	for i := range p.Queries {
		built, err := target(p, i).Build()
		if err != nil {
			return out, err
		}
		out.Targets = append(out.Targets, built)
		if reason := p.Queries[i].Empty; reason != "" {
			field.NoValue = cog.ToPtr("none: " + reason)
		}
	}
	if p.Kind == Bars || p.Kind == Heat {
		// Few and wide, or an event would stand in several: a rate looks back over
		// more than one scrape.
		out.MaxDataPoints = cog.ToPtr(100.0)
	}
	if p.Drill != "" {
		out.Links = []dashboard.DashboardLink{p.drill()}
	}
	if p.Kind == Table {
		p.columns(&out)
	}
	return out, nil
}

// picture is how the panel's kind looks in Grafana.
func (p Panel) picture() (dashboard.Panel, error) {
	last := common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})
	switch p.Kind {
	case Lines, Stacked, Bars:
		return p.graph()
	case Heat:
		return heatmap.NewPanelBuilder().Color(heatmap.NewHeatmapColorOptionsBuilder().Mode(heatmap.HeatmapColorModeScheme).Scheme("Oranges").Steps(64)).
			YAxis(heatmap.NewYAxisConfigBuilder().Unit(p.Unit)).Build()
	case Timeline:
		return statetimeline.NewPanelBuilder().ShowValue(common.VisibilityModeNever).MergeValues(true).
			Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom)).Build()
	case Number:
		return stat.NewPanelBuilder().ReduceOptions(last).GraphMode(common.BigValueGraphModeNone).ColorMode(common.BigValueColorModeValue).Build()
	case Dial:
		return gauge.NewPanelBuilder().ReduceOptions(last).Min(0).Max(1).Build()
	case Meters:
		return bargauge.NewPanelBuilder().ReduceOptions(last).Min(0).Max(1).DisplayMode(common.BarGaugeDisplayModeBasic).
			Orientation(common.VizOrientationHorizontal).Build()
	case Table:
		return table.NewPanelBuilder().ShowHeader(true).Filterable(true).Build()
	}
	return dashboard.Panel{}, fmt.Errorf("no such kind of panel: %q", p.Kind)
}

// graph is a picture over time. Parts of a whole are stacked; events are bars,
// stacked too.
func (p Panel) graph() (dashboard.Panel, error) {
	g := timeseries.NewPanelBuilder().ShowPoints(common.VisibilityModeNever).AxisSoftMin(0).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).DisplayMode(common.LegendDisplayModeTable).
			Placement(common.LegendPlacementBottom).Calcs([]string{"lastNotNull", "max"})).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	if len(p.Levels) > 0 {
		g.ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed))
	}
	switch p.Kind {
	case Stacked:
		g.FillOpacity(20).Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A"))
	case Bars:
		g.DrawStyle(common.GraphDrawStyleBars).FillOpacity(60).Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A"))
	}
	return g.Build()
}

// columns joins the queries of a table into one row for each set of labels, with
// a column for each query.
func (p Panel) columns(out *dashboard.Panel) {
	names := map[string]string{}
	for i, q := range p.Queries {
		if len(p.Queries) == 1 {
			names["Value"] = q.Legend
		} else {
			names["Value #"+refID(i)] = q.Legend
		}
		var properties []dashboard.DynamicConfigValue
		if q.Unit != "" {
			properties = append(properties, dashboard.DynamicConfigValue{Id: "unit", Value: q.Unit})
		}
		if len(q.States) > 0 {
			properties = append(properties, dashboard.DynamicConfigValue{Id: "mappings", Value: mappings(q.States)},
				dashboard.DynamicConfigValue{Id: "custom.cellOptions", Value: map[string]string{"type": "color-text"}})
		}
		if len(properties) > 0 {
			out.FieldConfig.Overrides = append(out.FieldConfig.Overrides, dashboard.DashboardFieldConfigSourceOverrides{
				Matcher:    dashboard.MatcherConfig{Id: "byName", Options: q.Legend},
				Properties: properties,
			})
		}
	}
	out.Transformations = []dashboard.DataTransformerConfig{
		{Id: "merge", Options: map[string]any{}},
		{Id: "organize", Options: map[string]any{"excludeByName": map[string]bool{"Time": true}, "renameByName": names}},
	}
}

// mappings show states by name and colour.
func mappings(states []State) []dashboard.ValueMapping {
	if len(states) == 0 {
		return nil
	}
	m := dashboard.NewValueMap()
	for i, s := range states {
		m.Options[strconv.Itoa(s.Value)] = dashboard.ValueMappingResult{Text: &s.Text, Color: &s.Color, Index: cog.ToPtr(int32(i))}
	}
	return []dashboard.ValueMapping{{ValueMap: m}}
}

// thresholds colour values. They are always given: Grafana's own turn red at 80.
func thresholds(levels []Level) *dashboard.ThresholdsConfig {
	steps := []dashboard.Threshold{{Color: "green"}}
	for _, l := range levels {
		if math.IsInf(l.From, -1) {
			steps[0].Color = l.Color
			continue
		}
		steps = append(steps, dashboard.Threshold{Value: &l.From, Color: l.Color})
	}
	return &dashboard.ThresholdsConfig{Mode: dashboard.ThresholdsModeAbsolute, Steps: steps}
}

// drill leads to the board that tells more, with the time and all variables kept.
func (p Panel) drill() dashboard.DashboardLink {
	l := dashboard.NewDashboardLink()
	l.Title, l.Type = "More on "+p.Drill, dashboard.DashboardLinkTypeLink
	l.Url = cog.ToPtr("/d/" + p.Drill + "?${__url_time_range}&${__all_variables}")
	return *l
}
