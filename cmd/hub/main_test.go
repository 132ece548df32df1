package main

import (
	"strings"
	"testing"
)

// Whoever mistypes a command, or asks for the version, is not told of settings that
// are missing.
func TestCommandsWithoutSettings(t *testing.T) {
	for _, c := range []struct {
		args         []string
		code         int
		out, problem string
	}{
		{[]string{"version"}, 0, "hub ", ""},
		{[]string{"--version"}, 0, "hub ", ""},
		{[]string{"settings"}, 0, "HUB_KAFKA", ""},
		{[]string{"nosuch"}, 2, "", `there is no command "nosuch"`},
		{[]string{"--help"}, 2, "", "hub version"},
		{[]string{"check"}, 2, "", "the settings are wrong"},
	} {
		var out, errs strings.Builder
		code := run(t.Context(), c.args, nil, &out, &errs)
		if code != c.code || !strings.Contains(out.String(), c.out) || !strings.Contains(errs.String(), c.problem) {
			t.Errorf("hub %v: %d\n%s%s", c.args, code, out.String(), errs.String())
		}
		if c.args[0] != "check" && strings.Contains(errs.String(), "settings are wrong") {
			t.Errorf("hub %v reads the settings", c.args)
		}
	}
}
