package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed page.html
var page string

// WriteHTML writes the report for people, as one page.
func (r *Report) WriteHTML(w io.Writer) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"plot": plotOf,
		"join": func(s []string) string { return strings.Join(s, " ") },
		"anchor": func(i int) string {
			return fmt.Sprintf("s%d", i+1)
		},
		"class":   func(x Result) string { return strings.ReplaceAll(string(x), " ", "-") },
		"seconds": func(s float64) string { return fmt.Sprintf("%.1f", s) },
		"gib":     func(n int64) string { return fmt.Sprintf("%.1f", float64(n)/(1<<30)) },
	}).Parse(page)
	if err != nil {
		return fmt.Errorf("the report's page: %w", err)
	}
	if err := t.Execute(w, r); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
