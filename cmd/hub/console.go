package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"kandashub/observability/console"
	"kandashub/topics/control"
)

// ConsoleConfig is how the console is served, and who may enter: one of the
// three ways to log in, and the roles of groups.
type ConsoleConfig struct {
	Listen       string   `env:"HUB_CONSOLE" unit:"host:port" meaning:"address of the console; empty: this process serves none"`
	URL          string   `env:"HUB_CONSOLE_URL" unit:"http or https URL" meaning:"of the console as browsers reach it, where that is another; required with OIDC"`
	TraceURL     string   `env:"HUB_CONSOLE_TRACE_URL" unit:"http or https URL" meaning:"of a trace, with {trace} where its id stands; empty: the console shows the id alone"`
	LogURL       string   `env:"HUB_CONSOLE_LOG_URL" unit:"http or https URL" meaning:"of the logs of a trace, with {trace} or {application} where the ids stand; empty: there is no link"`
	Roles        []string `env:"HUB_CONSOLE_ROLES" unit:"group=role, ..." meaning:"roles of groups: viewer, operator, approver, admin; a group without one may nothing"`
	Dev          bool     `env:"HUB_CONSOLE_DEV" envDefault:"false" unit:"true, false" meaning:"who opens the console on this machine is whom they say; HUB_CONSOLE must be a loopback address"`
	ReadOnly     bool     `env:"HUB_CONSOLE_READ_ONLY" envDefault:"false" unit:"true, false" meaning:"nothing can be changed from the console, whatever one's role"`
	Proxies      []string `env:"HUB_CONSOLE_PROXIES" unit:"address or network, ..." meaning:"whose headers say who is asking"`
	UserHeader   string   `env:"HUB_CONSOLE_USER_HEADER" envDefault:"X-Forwarded-User" unit:"name" meaning:"in which a proxy names the user"`
	GroupsHeader string   `env:"HUB_CONSOLE_GROUPS_HEADER" envDefault:"X-Forwarded-Groups" unit:"name" meaning:"in which a proxy names the user's groups, with commas"`
	Issuer       string   `env:"HUB_CONSOLE_OIDC_ISSUER" unit:"http or https URL" meaning:"the OpenID Connect provider"`
	Client       string   `env:"HUB_CONSOLE_OIDC_CLIENT" unit:"name" meaning:"the console's client id there"`
	Secret       Secret   `env:"HUB_CONSOLE_OIDC_SECRET" unit:"secret" meaning:"its secret; empty: none, PKCE alone"`
	NameClaim    string   `env:"HUB_CONSOLE_OIDC_NAME" envDefault:"preferred_username" unit:"name" meaning:"claim that names the user; it is kept in hub.audit"`
	GroupsClaim  string   `env:"HUB_CONSOLE_OIDC_GROUPS" envDefault:"groups" unit:"name" meaning:"claim with the user's groups"`
}

// login turns the settings into a way to log in. The error names every mistake.
func (c ConsoleConfig) login() (console.Login, error) {
	var errs []error
	l := console.Login{Dev: c.Dev, UserHeader: c.UserHeader, GroupsHeader: c.GroupsHeader}
	var err error
	if l.Roles, err = console.ParseRoles(c.Roles); err != nil {
		errs = append(errs, fmt.Errorf("HUB_CONSOLE_ROLES: %w", err))
	}
	for _, p := range c.Proxies {
		prefix, err := parsePrefix(strings.TrimSpace(p))
		if err != nil {
			errs = append(errs, fmt.Errorf("HUB_CONSOLE_PROXIES: %q is no address and no network", p))
		}
		l.Proxies = append(l.Proxies, prefix)
	}
	if c.Issuer != "" {
		l.OIDC = &console.OIDC{Issuer: c.Issuer, Client: c.Client, Secret: string(c.Secret), NameClaim: c.NameClaim, GroupsClaim: c.GroupsClaim,
			Redirect: strings.TrimSuffix(c.URL, "/") + "/callback"}
	}
	return l, errors.Join(errs...)
}

// links are where traces and logs can be seen.
func (c ConsoleConfig) links() console.Links { return console.Links{Trace: c.TraceURL, Logs: c.LogURL} }

// linkMistakes checks the URLs of traces and logs.
func (c ConsoleConfig) linkMistakes() (errs []error) {
	for _, s := range []struct {
		name, url    string
		placeholders []string
	}{
		{"HUB_CONSOLE_TRACE_URL", c.TraceURL, []string{"{trace}"}},
		{"HUB_CONSOLE_LOG_URL", c.LogURL, []string{"{trace}", "{application}"}},
	} {
		if s.url == "" {
			continue
		}
		if err := console.CheckLink(s.url, s.placeholders...); err != nil {
			errs = append(errs, fmt.Errorf("%s %w", s.name, err))
		}
	}
	return errs
}

// parsePrefix reads a network, or one address.
func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(s)
}

// mistakes returns what is wrong with the console's settings, all of it.
func (c ConsoleConfig) mistakes() (errs []error) {
	if c.Listen == "" {
		if c.Dev || len(c.Proxies) > 0 || c.Issuer != "" {
			errs = append(errs, errors.New("HUB_CONSOLE is empty, but a way to log in is set"))
		}
		return errs
	}
	if err := checkAddress(c.Listen); err != nil {
		return []error{fmt.Errorf("HUB_CONSOLE: %w", err)}
	}
	ways := 0
	for _, set := range []bool{c.Dev, len(c.Proxies) > 0, c.Issuer != ""} {
		if set {
			ways++
		}
	}
	if ways != 1 {
		errs = append(errs, fmt.Errorf("HUB_CONSOLE needs one way to log in, and %d are set: HUB_CONSOLE_DEV, HUB_CONSOLE_PROXIES or HUB_CONSOLE_OIDC_ISSUER", ways))
	}
	if host, _, _ := net.SplitHostPort(c.Listen); c.Dev && !loopback(host) {
		errs = append(errs, errors.New("HUB_CONSOLE_DEV needs HUB_CONSOLE to be a loopback address: everybody who reaches it may be anybody"))
	}
	if _, err := c.login(); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, c.linkMistakes()...)
	if !c.Dev && len(c.Roles) == 0 {
		errs = append(errs, errors.New("HUB_CONSOLE_ROLES is empty: nobody may anything"))
	}
	if c.URL != "" {
		if err := checkURL(c.URL); err != nil {
			errs = append(errs, fmt.Errorf("HUB_CONSOLE_URL %w", err))
		}
	}
	if c.Issuer == "" {
		return errs
	}
	if err := checkURL(c.Issuer); err != nil {
		errs = append(errs, fmt.Errorf("HUB_CONSOLE_OIDC_ISSUER %w", err))
	}
	if c.Client == "" || c.URL == "" {
		errs = append(errs, errors.New("HUB_CONSOLE_OIDC_ISSUER needs HUB_CONSOLE_OIDC_CLIENT and HUB_CONSOLE_URL"))
	}
	return errs
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// openConsole binds the console's address and returns what serves it; nil where
// this process serves none.
func (h *hub) openConsole(running []steered) (serve func(context.Context) error, err error) {
	if h.cfg.Console.Listen == "" {
		return nil, nil
	}
	c, err := h.newConsole(running)
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	l, err := net.Listen("tcp", h.cfg.Console.Listen)
	if err != nil {
		return nil, fmt.Errorf("HUB_CONSOLE: %w", err)
	}
	h.log.Info("started", "addr", l.Addr().String(), "handler", "console")
	return func(ctx context.Context) error { return serveConsole(ctx, l, c) }, nil
}

// newConsole makes the console of this process.
func (h *hub) newConsole(running []steered) (*console.Console, error) {
	login, err := h.cfg.Console.login()
	if err != nil {
		return nil, err
	}
	c := console.Config{
		Hub: hubName(), Login: login, Contract: h.contract, Checks: h.readiness(), Outcomes: h.outcomes, Metrics: h.metrics, Log: h.log,
		Commands: &control.Commands{
			Cluster: h.cluster, Producer: h.producer, Store: h.control, Audit: control.NewAudit(h.cluster, h.producer),
			Routes: control.Routes(h.contract), Settle: h.cfg.SettleC3, Metrics: h.metrics,
		},
		Links: h.cfg.Console.links(), Deadline: h.cfg.Deadline, ReadOnly: h.cfg.Console.ReadOnly,
		Quiet: control.Quiet{Count: h.claims.Count, Lease: h.cfg.Lease},
		Local: func() []console.Local { return localRoutes(running) },
	}
	if u, err := url.Parse(h.cfg.Console.URL); err == nil {
		c.Host, c.HTTPS = u.Host, u.Scheme == "https"
	}
	for _, r := range routes {
		c.Routes = append(c.Routes, console.Route{Name: r.name, Sources: r.reads, Writes: r.writes, System: r.system, Effect: r.effect.String()})
	}
	return console.New(c)
}

// localRoutes is what this process knows of the routes that it runs.
func localRoutes(running []steered) []console.Local {
	var out []console.Local
	for _, r := range running {
		b := r.breaker.Status()
		committed, joined := r.Delivery.Metrics.Membership()
		out = append(out, console.Local{
			Route: r.Delivery.Route.Name, Pauses: r.Delivery.Gate.Reasons(), Committed: committed, Joined: joined,
			Breaker: console.Breaker{Operation: b.Operation, State: b.State, Forced: b.Forced, Failures: b.Failures, Opens: b.Opens,
				Probe: b.Probe, LastAt: b.LastAt, LastCode: b.LastCode},
		})
	}
	return out
}

// serveConsole serves the console until ctx ends. Live pages end with it.
func serveConsole(ctx context.Context, l net.Listener, c *console.Console) error {
	server := &http.Server{
		Handler: c.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	kept := make(chan error, 1)
	go func() { kept <- c.Run(ctx) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	<-kept
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if server.Shutdown(stopping) != nil {
		return server.Close()
	}
	return nil
}
