package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
)

// goOn keeps the world alive until ctx ends, for whoever looks at it, and says
// what there is to try.
func (s *session) goOn(ctx context.Context) {
	s.goesOn.Store(true)
	fmt.Fprintln(s.out)
	s.printAddresses()
	s.printTour()
	var wg sync.WaitGroup
	wg.Go(func() { watchBreakers(ctx, "http://"+s.world.metrics+"/metrics", s.timeline.note) })
	if s.prometheus.path != "" {
		wg.Go(func() { watchAlerts(ctx, s.prometheus.server, s.timeline.note) })
	}
	if s.cmd.Rate > 0 {
		wg.Go(func() { s.trickle.run(ctx) })
	}
	<-ctx.Done()
	wg.Wait()
}

// printAddresses prints where everything of the run is.
func (s *session) printAddresses() {
	var more []string
	if s.prometheus.row != "" {
		more = append(more, "Prometheus", s.prometheus.row)
	}
	printAddresses(s.out, s.world, append(more, "hub's log", s.hub.log)...)
}

// printTour prints the commands of a first visit, as they work for this world.
func (s *session) printTour() {
	pace := ""
	if s.cmd.Rate > 0 {
		pace = fmt.Sprintf(", and new applications come (%v a second)", s.cmd.Rate)
	}
	fmt.Fprintf(s.out, "Everything keeps running%s. Open the console, http://%s, and try in another terminal:\n\n", pace, s.world.console)
	t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, p := range presets() {
		fmt.Fprintf(t, "  %s\t%s\n", s.faultCommand(p.name), p.see)
	}
	fmt.Fprintf(t, "  %s dead list\t%s\n", s.operator(), "the dead letters, without the console")
	fmt.Fprintf(t, "  %s route list\t%s\n", s.operator(), "the routes, and what their breakers are like")
	t.Flush()
	fmt.Fprint(s.out, "\nCtrl-C stops it.\n\n")
}

// operator is hubctl with the settings that it needs for this world.
func (s *session) operator() string {
	return fmt.Sprintf("HUB_KAFKA=%s HUB_REDIS=%s HUB_ADDRESSES=%s %s", strings.Join(s.world.kafka, ","), s.world.redis, s.world.metrics, s.cmd.hubctl())
}

// faultCommand is the command line of a preset.
func (s *session) faultCommand(name string) string {
	command := os.Args[0] + " fault " + name
	switch s.world.base {
	case defaultPort:
	case 0: // the mocks have any free ports
		command += " --url http://" + s.world.system("migration").addr
	default:
		command += fmt.Sprint(" --port ", s.world.base)
	}
	return command
}
