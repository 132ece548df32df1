package dashboards

import (
	"context"
	"flag"
	"fmt"
	"html/template"
	"math"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var previewFile = flag.String("preview", "", "HTML file into which the boards are drawn as TestEveryQueryHasData finds them")

// A drawing is a panel with what its queries returned: enough to see the grid, the
// legends and whether the figures make sense; it is not how Grafana draws.
type drawing struct {
	panel
	Lines []template.HTMLAttr // points of polylines, in a box of 300 by 100
	Rows  []string            // series with their last values
}

// draw writes all boards into one HTML page.
func draw(t *testing.T, s *server, since time.Time, file string) {
	t.Helper()
	type board struct {
		boardFile
		Drawings []drawing
		Height   int
	}
	var boards []board
	for _, b := range boardFiles(t) {
		page := board{boardFile: b}
		for _, p := range b.Panels {
			d := drawing{panel: p}
			for _, q := range p.Targets {
				if err := d.add(t.Context(), s, q, since); err != nil {
					t.Fatalf("%s, %s: %v", b.UID, p.Title, err)
				}
			}
			page.Drawings = append(page.Drawings, d)
			page.Height = max(page.Height, p.GridPos.Y+p.GridPos.H)
		}
		boards = append(boards, page)
	}
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := page.Execute(f, boards); err != nil {
		t.Fatal(err)
	}
}

// add draws the series of one query.
func (d *drawing) add(ctx context.Context, s *server, q query, since time.Time) error {
	var data struct {
		Result []struct {
			Metric map[string]string
			Values [][2]any
		}
	}
	params := url.Values{"query": {allSelected.Replace(q.Expr)}, "start": {unix(since)}, "end": {unix(time.Now())}, "step": {scrape}}
	if err := s.Ask(ctx, "/api/v1/query_range", params, &data); err != nil {
		return err
	}
	var highest float64
	all := make([][]float64, len(data.Result))
	for i, series := range data.Result {
		for _, sample := range series.Values {
			text, _ := sample[1].(string)
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return err
			}
			all[i] = append(all[i], v)
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				highest = max(highest, v)
			}
		}
		d.Rows = append(d.Rows, fmt.Sprintf("%s: %.4g %s", legend(q.LegendFormat, series.Metric), all[i][len(all[i])-1], d.FieldConfig.Defaults.Unit))
	}
	for _, values := range all {
		var points strings.Builder
		for i, v := range values {
			if !math.IsNaN(v) && !math.IsInf(v, 0) && highest > 0 {
				fmt.Fprintf(&points, "%.1f,%.1f ", 300*float64(i)/float64(len(values)), 100-95*v/highest)
			}
		}
		d.Lines = append(d.Lines, template.HTMLAttr(`points="`+points.String()+`"`)) //nolint:gosec // numbers alone
	}
	slices.Sort(d.Rows)
	return nil
}

// legend fills a series' labels in. A legend without any is followed by all: so
// that the rows of a table can be told apart.
func legend(format string, labels map[string]string) string {
	if !strings.Contains(format, "{{") && len(labels) > 0 {
		return fmt.Sprint(format, " ", labels)
	}
	for l, v := range labels {
		format = strings.ReplaceAll(format, "{{"+l+"}}", v)
	}
	return format
}

var page = template.Must(template.New("").Parse(`<!doctype html><meta charset="utf-8"><title>Boards</title>
<style>
body { font: 12px sans-serif; background: #f4f5f5; width: 1440px }
.board { position: relative; border-top: 1px solid #888 }
.panel { position: absolute; box-sizing: border-box; padding: 4px 6px; overflow: hidden; background: #fff; border: 2px solid #f4f5f5 }
.row { background: none; font-weight: bold }
svg { width: 100%; height: 90px; display: block }
polyline { fill: none; stroke: #3871dc; stroke-width: 1; vector-effect: non-scaling-stroke }
</style>
{{range .}}<h1>{{.Title}}</h1><p>{{.Description}}</p>
<div class="board" style="height: {{.Height}}em; height: calc({{.Height}} * 30px)">
{{range .Drawings}}<div class="panel {{.Type}}" title="{{.Description}}" style="left: calc({{.GridPos.X}} * 60px); top: calc({{.GridPos.Y}} * 30px); width: calc({{.GridPos.W}} * 60px); height: calc({{.GridPos.H}} * 30px)">
<b>{{.Title}}</b> {{if ne .Type "row"}}<small>{{.Type}}</small>
{{if or (eq .Type "timeseries") (eq .Type "state-timeline") (eq .Type "heatmap")}}<svg viewBox="0 0 300 100" preserveAspectRatio="none">{{range .Lines}}<polyline {{.}}/>{{end}}</svg>{{end}}
{{range .Rows}}{{.}}<br>{{end}}{{end}}</div>
{{end}}</div>{{end}}`))
