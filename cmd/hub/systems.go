package main

import (
	"fmt"

	"kandashub/adapters"
	"kandashub/adapters/eds"
	"kandashub/adapters/egov"
	"kandashub/adapters/gbdfl"
	"kandashub/adapters/kandas"
	"kandashub/adapters/migpolice"
	"kandashub/adapters/migration"
	"kandashub/adapters/shep"
	"kandashub/adapters/statecorp"
	"kandashub/observability"
	"kandashub/topics"
)

// The routing table of the hub, in two parts: systems has one row for each
// external system, routes one for each topic → operation → topic. topics/
// asyncapi.yaml is the same table as a contract; a test holds them together.

// systems are the external systems: how the adapter is made, whether the system
// may call the hub, and what it may hand over through SHEP.
var systems = []system{
	{name: "migration", caller: true, connect: func(a *adapterSet, w wiring) error {
		c, err := adapters.NewClient(w.http("migration"))
		a.migration = migration.New(c)
		return err
	}},
	{name: "kandas", caller: true, connect: func(a *adapterSet, w wiring) error {
		c, err := adapters.NewClient(w.http("kandas"))
		a.kandas = kandas.New(c)
		return err
	}},
	{name: "egov", caller: true, connect: func(a *adapterSet, w wiring) (err error) {
		a.egov, err = egov.New(egov.Config{HTTP: w.http("egov"), Sender: w.sender()})
		return err
	}, incoming: func(a *adapterSet, in shep.Incoming) (string, topics.Message, bool, error) {
		return a.egov.Incoming(in)
	}},
	{name: "gbdfl", connect: func(a *adapterSet, w wiring) (err error) {
		a.gbdfl, err = gbdfl.New(gbdfl.Config{HTTP: w.http("gbdfl"), Sender: w.sender(), SenderCode: w.cfg.GbdflSenderCode})
		return err
	}},
	{name: "migpolice", connect: func(a *adapterSet, w wiring) (err error) {
		a.migpolice, err = migpolice.New(migpolice.Config{HTTP: w.http("migpolice"), Sender: w.sender()})
		return err
	}},
	{name: "statecorp", caller: true, connect: func(a *adapterSet, w wiring) (err error) {
		a.statecorp, err = statecorp.New(statecorp.Config{HTTP: w.http("statecorp"), Sender: w.sender()})
		return err
	}, incoming: func(a *adapterSet, in shep.Incoming) (string, topics.Message, bool, error) {
		return a.statecorp.Incoming(in)
	}},
	{name: "eds", connect: func(a *adapterSet, w wiring) error {
		c, err := adapters.NewClient(w.http("eds"))
		a.eds = eds.New(c)
		return err
	}},
}

// routes are the routes: what each reads, which operation of which system it
// calls and by which rule, and what it may write. The rules are in rules.go and
// iin.go.
var routes = []route{
	{name: "register", reads: []string{"migration.applications", "egov.applications", "statecorp.applications"},
		system: "kandas", effect: kandas.Effect,
		operation: func(a *adapterSet, w wiring) (topics.Operation, error) { return registerOperation(a.kandas), nil }},
	{name: "iin-lookup", reads: []string{"kandas.iin-requests", "gbdfl.lookups"},
		system: "gbdfl", effect: gbdfl.Effect, writes: []string{"gbdfl.lookups", "migpolice.generations", "iin.results"},
		operation: func(a *adapterSet, w wiring) (topics.Operation, error) { return lookupOperation(a.gbdfl), nil }},
	{name: "iin-generate", reads: []string{"migpolice.generations"},
		system: "migpolice", effect: migpolice.Effect, writes: []string{"gbdfl.lookups"},
		operation: func(a *adapterSet, w wiring) (topics.Operation, error) {
			return generateOperation(a.migpolice, w.cfg.PersonKey, w.cfg.SettleC3)
		}},
	{name: "iin-record", reads: []string{"iin.results"},
		system: "kandas", effect: kandas.Effect,
		operation: func(a *adapterSet, w wiring) (topics.Operation, error) { return iinRecordOperation(a.kandas), nil }},
	{name: "verify", reads: []string{"kandas.events"},
		system: "eds", effect: eds.Effect, writes: []string{"migration.notifications", "egov.notifications", "statecorp.notifications",
			"missions.notifications", "monitoring.notifications", "notify.notifications", "kandas.rejections"},
		operation: func(a *adapterSet, w wiring) (topics.Operation, error) {
			return verifyOperation(a.eds.Verify, w.recipient), nil
		}},
	{name: "notify-migration", reads: []string{"migration.notifications"},
		system: "migration", effect: migration.Effect, writes: []string{"migration.accepted"},
		operation: func(a *adapterSet, w wiring) (topics.Operation, error) { return showOperation(a.migration), nil }},
	{name: "notify-egov", reads: []string{"egov.notifications"},
		system: "egov", effect: topics.C2, writes: []string{"egov.accepted"},
		operation: func(a *adapterSet, w wiring) (topics.Operation, error) {
			return notifyOperation("egov", a.egov, w.cfg.SettleC2), nil
		}},
	{name: "notify-statecorp", reads: []string{"statecorp.notifications"},
		system: "statecorp", effect: topics.C2, writes: []string{"statecorp.accepted"},
		operation: func(a *adapterSet, w wiring) (topics.Operation, error) {
			return notifyOperation("statecorp", a.statecorp, w.cfg.SettleC2), nil
		}},
	{name: "delivered", reads: []string{"migration.receipts", "egov.receipts", "statecorp.receipts", "migration.accepted", "egov.accepted", "statecorp.accepted"},
		system: "kandas", effect: kandas.Effect,
		operation: func(a *adapterSet, w wiring) (topics.Operation, error) { return deliveredOperation(a.kandas), nil }},
	{name: "reissue", reads: []string{"statecorp.certificate-requests"},
		system: "kandas", effect: kandas.Effect,
		operation: func(a *adapterSet, w wiring) (topics.Operation, error) { return reissueOperation(a.kandas), nil }},
}

// adapterSet is one adapter of each system.
type adapterSet struct {
	migration *migration.Client
	kandas    *kandas.Client
	egov      *egov.Adapter
	gbdfl     *gbdfl.Adapter
	migpolice *migpolice.Adapter
	statecorp *statecorp.Adapter
	eds       *eds.Client
}

// system is a row of systems.
type system struct {
	name    string
	caller  bool // may call the hub, by the intake or SHEP
	connect func(a *adapterSet, w wiring) error
	// incoming turns what the system hands over through SHEP into a message and
	// the topic it goes to; nil if it does not use SHEP.
	incoming func(a *adapterSet, in shep.Incoming) (topic string, m topics.Message, ok bool, err error)
}

// route is a row of routes.
type route struct {
	name      string
	reads     []string
	system    string
	effect    topics.Effect
	writes    []string
	operation func(a *adapterSet, w wiring) (topics.Operation, error)
}

// wiring is what the rows are given to build on.
type wiring struct {
	cfg       *Config
	metrics   *observability.Metrics
	recipient func(name string) bool // whether a system has a topic for notifications
}

// http is how a system is called.
func (w wiring) http(system string) adapters.Config {
	s := w.cfg.Systems[system]
	return adapters.Config{
		System: system, URL: s.URL, Token: string(s.Token), Timeout: w.cfg.Call, MaxConns: s.Conns, Metrics: w.metrics,
	}
}

// sender is who the hub is at the state gateway.
func (w wiring) sender() shep.Sender {
	return shep.Sender{ID: w.cfg.ShepSenderID, Password: string(w.cfg.ShepPassword)}
}

// connectSystems makes the adapters of the systems that the running routes call.
// What a system hands over needs no connection.
func connectSystems(w wiring) (*adapterSet, error) {
	a := &adapterSet{}
	for _, s := range systems {
		if w.cfg.Systems[s.name].URL == "" {
			continue // no route that runs calls it: the settings have been checked
		}
		if err := s.connect(a, w); err != nil {
			return nil, fmt.Errorf("system %s: %w", s.name, err)
		}
	}
	return a, nil
}

// runningRoutes builds the routes that this process runs.
func runningRoutes(a *adapterSet, w wiring) ([]topics.Route, error) {
	var out []topics.Route
	for _, r := range routes {
		if !w.cfg.Runs(r.name) {
			continue
		}
		op, err := r.operation(a, w)
		if err != nil {
			return nil, fmt.Errorf("route %s: %w", r.name, err)
		}
		if op.System != r.system || op.Effect != r.effect {
			return nil, fmt.Errorf("route %s: its row says %s (%s), its rule %s (%s)", r.name, r.system, r.effect, op.System, op.Effect)
		}
		out = append(out, topics.Route{Name: r.name, Sources: r.reads, Writes: r.writes, Operation: op})
	}
	return out, nil
}

// routingPlan is what the table says to the settings.
func routingPlan() plan {
	var p plan
	for _, s := range systems {
		p.Systems = append(p.Systems, s.name)
		if s.caller {
			p.Callers = append(p.Callers, s.name)
		}
	}
	for _, r := range routes {
		p.Routes = append(p.Routes, plannedRoute{Name: r.name, System: r.system, Effect: r.effect, Sources: r.reads, Writes: r.writes})
	}
	return p
}
