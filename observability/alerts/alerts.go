// Package alerts holds the recording and alert rules of the hub for Prometheus,
// hub.rules.yml, and hands them to whoever needs them: as they are to be deployed
// ([Render]), or read ([Read]).
//
// An alert is something that a person has to do. Its severity says when:
//
//	critical  now, also at night
//	warning   on the next working day
//	none      never: HubWatchdog, whose silence is the alarm
//
// Each has a summary, a description, the address of its runbook, which is
// observability/runbooks/<alert>.md, and the address of the board on which to
// look. Both addresses begin with placeholders in the file, which Render replaces.
//
// Three tests keep the rules honest. hub.rules.test.yml says when each alert
// fires and when it does not, for promtool; a rule that is changed anywhere fails
// it. Every metric and label value that a rule names exists in the hub from its
// start. And verify alerts (cmd/verify) breaks a real hub and its surroundings,
// and waits for a real Prometheus to say so.
package alerts

import (
	_ "embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed hub.rules.yml
var file string

// Placeholders in the file, for where runbooks and boards are served.
const (
	RunbookBase = "https://runbooks.example/hub"
	GrafanaBase = "https://grafana.example"
)

// Options say how the rules are rendered. The zero value leaves them as they are.
type Options struct {
	Runbooks string // base URL of the runbooks; empty: the placeholder
	Grafana  string // base URL of Grafana; empty: the placeholder

	// Faster divides all times of the rules, for tests: windows, for,
	// keep_firing_for, intervals and the ages that are compared. None becomes
	// shorter than a second. 0 and 1 leave them as they are.
	Faster int
}

// Render returns the rules as a file for Prometheus.
func Render(o Options) []byte {
	out := file
	if o.Runbooks != "" {
		out = strings.ReplaceAll(out, RunbookBase, strings.TrimSuffix(o.Runbooks, "/"))
	}
	if o.Grafana != "" {
		out = strings.ReplaceAll(out, GrafanaBase, strings.TrimSuffix(o.Grafana, "/"))
	}
	if o.Faster > 1 {
		out = faster(out, o.Faster)
	}
	return []byte(out)
}

// Where times stand in the file; its own comment asks for these forms.
var (
	settings = regexp.MustCompile(`(?m)^( +(?:for|keep_firing_for|interval): )(\d+)([smhd])$`)
	windows  = regexp.MustCompile(`\[(\d+)([smhd])\]`)
	ages     = regexp.MustCompile(`(\d+) \* (60|3600|86400)\b`)
)

func faster(rules string, by int) string {
	shorten := func(n, unit string) string {
		whole, err := strconv.Atoi(n)
		if err != nil || whole == 0 {
			return n + unit
		}
		seconds := map[string]int{"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
		d := max(time.Second, time.Duration(whole*seconds)*time.Second/time.Duration(by))
		return fmt.Sprintf("%dms", d.Milliseconds())
	}
	rules = settings.ReplaceAllStringFunc(rules, func(s string) string {
		m := settings.FindStringSubmatch(s)
		return m[1] + shorten(m[2], m[3])
	})
	rules = windows.ReplaceAllStringFunc(rules, func(s string) string {
		m := windows.FindStringSubmatch(s)
		return "[" + shorten(m[1], m[2]) + "]"
	})
	return ages.ReplaceAllString(rules, "$1 * $2 / "+strconv.Itoa(by))
}

// A Group is a group of rules, which Prometheus evaluates one after another.
type Group struct {
	Name     string `yaml:"name"`
	Interval string `yaml:"interval,omitempty"`
	Rules    []Rule `yaml:"rules"`
}

// A Rule records a series or raises an alert: exactly one of Record and Alert is
// set.
type Rule struct {
	Record        string            `yaml:"record,omitempty"`
	Alert         string            `yaml:"alert,omitempty"`
	Expr          string            `yaml:"expr"`
	For           string            `yaml:"for,omitempty"`
	KeepFiringFor string            `yaml:"keep_firing_for,omitempty"`
	Labels        map[string]string `yaml:"labels,omitempty"`
	Annotations   map[string]string `yaml:"annotations,omitempty"`
}

// Read returns the groups of rules in the form in which Render writes them.
func Read(rules []byte) ([]Group, error) {
	var f struct {
		Groups []Group `yaml:"groups"`
	}
	d := yaml.NewDecoder(strings.NewReader(string(rules)))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("read the rules: %w", err)
	}
	return f.Groups, nil
}
