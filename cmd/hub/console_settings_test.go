package main

import (
	"strings"
	"testing"
)

// The console has one way to log in, and says what is wrong with it.
func TestConsoleSettings(t *testing.T) {
	for _, good := range [][]string{
		{},
		{"HUB_CONSOLE=127.0.0.1:8081", "HUB_CONSOLE_DEV=true"},
		{"HUB_CONSOLE=localhost:8081", "HUB_CONSOLE_DEV=true"},
		{"HUB_CONSOLE=localhost:8081", "HUB_CONSOLE_DEV=true", "HUB_CONSOLE_TRACE_URL=https://tempo.example/trace/{trace}", "HUB_CONSOLE_LOG_URL=http://logs.example/?q={application}"},
		{"HUB_CONSOLE=:8081", "HUB_CONSOLE_PROXIES=10.0.0.7, fd00::/8", "HUB_CONSOLE_ROLES=ops=operator"},
		{"HUB_CONSOLE=:8081", "HUB_CONSOLE_OIDC_ISSUER=https://id.example", "HUB_CONSOLE_OIDC_CLIENT=hub", "HUB_CONSOLE_OIDC_SECRET=hunter2",
			"HUB_CONSOLE_URL=https://hub.example", "HUB_CONSOLE_ROLES=ops=operator, all=viewer"},
	} {
		c, err := loadConfig(valid(good...), testPlan)
		if err != nil {
			t.Errorf("%q: %v", good, err)
		} else if strings.Contains(c.String(), "hunter2") {
			t.Errorf("a secret shows: %s", c)
		}
	}
	for _, bad := range []struct {
		want    string
		changes []string
	}{
		{"HUB_CONSOLE is empty, but", []string{"HUB_CONSOLE_DEV=true"}},
		{`HUB_CONSOLE: "8081" is not host:port`, []string{"HUB_CONSOLE=8081", "HUB_CONSOLE_DEV=true"}},
		{"needs one way to log in, and 0 are set", []string{"HUB_CONSOLE=:8081", "HUB_CONSOLE_ROLES=a=viewer"}},
		{"needs one way to log in, and 2 are set", []string{"HUB_CONSOLE=127.0.0.1:8081", "HUB_CONSOLE_DEV=true", "HUB_CONSOLE_PROXIES=10.0.0.7"}},
		{"needs HUB_CONSOLE to be a loopback address", []string{"HUB_CONSOLE=:8081", "HUB_CONSOLE_DEV=true"}},
		{"needs HUB_CONSOLE to be a loopback address", []string{"HUB_CONSOLE=10.0.0.7:8081", "HUB_CONSOLE_DEV=true"}},
		{`"everywhere" is no address`, []string{"HUB_CONSOLE=:8081", "HUB_CONSOLE_PROXIES=everywhere", "HUB_CONSOLE_ROLES=a=viewer"}},
		{`"root" is none of viewer`, []string{"HUB_CONSOLE=:8081", "HUB_CONSOLE_PROXIES=10.0.0.7", "HUB_CONSOLE_ROLES=a=root"}},
		{"HUB_CONSOLE_ROLES is empty", []string{"HUB_CONSOLE=:8081", "HUB_CONSOLE_PROXIES=10.0.0.7"}},
		{"needs HUB_CONSOLE_OIDC_CLIENT and HUB_CONSOLE_URL", []string{"HUB_CONSOLE=:8081", "HUB_CONSOLE_OIDC_ISSUER=https://id.example", "HUB_CONSOLE_ROLES=a=viewer"}},
		{"HUB_CONSOLE_OIDC_ISSUER is no http", []string{"HUB_CONSOLE=:8081", "HUB_CONSOLE_OIDC_ISSUER=id", "HUB_CONSOLE_OIDC_CLIENT=hub", "HUB_CONSOLE_URL=https://hub.example", "HUB_CONSOLE_ROLES=a=viewer"}},
		{"HUB_CONSOLE_TRACE_URL does not hold {trace}", []string{"HUB_CONSOLE=localhost:8081", "HUB_CONSOLE_DEV=true", "HUB_CONSOLE_TRACE_URL=https://tempo.example/{application}"}},
		{"HUB_CONSOLE_TRACE_URL is no http", []string{"HUB_CONSOLE=localhost:8081", "HUB_CONSOLE_DEV=true", "HUB_CONSOLE_TRACE_URL=javascript:{trace}"}},
		{"HUB_CONSOLE_LOG_URL does not hold {trace} or {application}", []string{"HUB_CONSOLE=localhost:8081", "HUB_CONSOLE_DEV=true", "HUB_CONSOLE_LOG_URL=https://logs.example/"}},
		{"HUB_CONSOLE_LOG_URL is no http", []string{"HUB_CONSOLE=localhost:8081", "HUB_CONSOLE_DEV=true", "HUB_CONSOLE_LOG_URL=https://{trace}.example/"}},
		{"HUB_CONSOLE_URL is no http", []string{"HUB_CONSOLE=:8081", "HUB_CONSOLE_PROXIES=10.0.0.7", "HUB_CONSOLE_URL=hub", "HUB_CONSOLE_ROLES=a=viewer"}},
	} {
		if _, err := loadConfig(valid(bad.changes...), testPlan); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%q: %v, want %q", bad.changes, err, bad.want)
		}
	}
}
