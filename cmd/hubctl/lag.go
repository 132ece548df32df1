package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"kandashub/topics/contract"
	"kandashub/topics/inspect"
)

type lagCmd struct {
	kafkaFlags
	hubsFlags
	outputFlag
	Routes     []string      `arg:"" optional:"" name:"route" predictor:"route" help:"Routes to look at; all if none is given."`
	Partitions bool          `short:"p" help:"A line for each partition."`
	Watch      bool          `short:"w" help:"Look again and again, until interrupted."`
	Every      time.Duration `default:"2s" help:"How often with --watch (${default})."`
}

// leastEvery is how often Kafka may be asked at most.
const leastEvery = 200 * time.Millisecond

// Validate wants addresses, and a time to breathe.
func (c *lagCmd) Validate() error {
	if c.Every < leastEvery {
		return fmt.Errorf("--every is at least %s: each look asks Kafka for all groups and their oldest messages", leastEvery)
	}
	return c.hubsFlags.Validate()
}

// A shownGroup is a group with what hubs tell of it.
type shownGroup struct {
	inspect.Group
	Told *inspect.Told `json:"told,omitempty"` // nil where no hub was asked
}

// clear empties a terminal.
const clear = "\x1b[H\x1b[2J"

// Run prints the groups, once or until it is interrupted.
func (c *lagCmd) Run(ctx context.Context, stdout io.Writer, s surroundings) error {
	agreed, err := contract.Load()
	if err != nil {
		return err
	}
	cluster, err := c.reach(ctx)
	if err != nil {
		return err
	}
	defer cluster.Close()
	tick := time.NewTicker(c.Every)
	defer tick.Stop()
	for {
		asking, cancel := context.WithTimeout(ctx, c.Timeout)
		groups, err := inspect.Groups(asking, cluster, agreed)
		cancel()
		switch {
		case ctx.Err() != nil && c.Watch:
			return nil
		case err != nil:
			return err
		}
		if groups, err = c.chosen(groups); err != nil {
			return err
		}
		if c.Watch && s.screen && c.Output == "table" {
			fmt.Fprint(stdout, clear)
		}
		shown, now := c.shown(ctx, groups, talk{s.stderr}), time.Now()
		if err := c.print(stdout, shown, func(t io.Writer) { tableLag(t, shown, c.Partitions, now) }); err != nil || !c.Watch {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// shown adds what the hubs tell to groups.
func (c *lagCmd) shown(ctx context.Context, groups []inspect.Group, out talk) []shownGroup {
	var hubs []inspect.Hub
	if len(c.Hubs) > 0 {
		hubs = c.ask(ctx, out)
	}
	shown := make([]shownGroup, len(groups))
	for i, g := range groups {
		shown[i].Group = g
		if len(hubs) > 0 {
			told := inspect.Tell(hubs, g.Route)
			shown[i].Told = &told
		}
	}
	return shown
}

// chosen are the groups of the routes that were named.
func (c *lagCmd) chosen(groups []inspect.Group) ([]inspect.Group, error) {
	if len(c.Routes) == 0 {
		return groups, nil
	}
	for _, name := range c.Routes {
		if !slices.ContainsFunc(groups, func(g inspect.Group) bool { return g.Route == name }) {
			return nil, fmt.Errorf("there is no route of a name that was given; hubctl route list has them all: %w", errNothing)
		}
	}
	return slices.DeleteFunc(groups, func(g inspect.Group) bool { return !slices.Contains(c.Routes, g.Route) }), nil
}

// tableLag lays out a line for each group, or for each of their partitions.
// When they last committed, and how often they were handed over, only hubs know.
func tableLag(t io.Writer, groups []shownGroup, partitions bool, now time.Time) {
	if !partitions {
		told := len(groups) > 0 && groups[0].Told != nil
		fmt.Fprint(t, "ROUTE\tGROUP\tSTATE\tHUBS\tPARTITIONS\tLAG\tOLDEST", only(told, "\tLAST COMMIT\tREBALANCES"), "\n")
		for _, g := range groups {
			lag, oldest := g.Lag()
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%d\t%s", g.Route, g.Name, g.State, len(g.Members), len(g.Partitions), lag, ago(now, oldest))
			if told {
				fmt.Fprintf(t, "\t%s\t%d", when(g.Told.LastCommit, "-"), g.Told.Rebalances)
			}
			fmt.Fprintln(t)
		}
		return
	}
	fmt.Fprintln(t, "ROUTE\tTOPIC\tPARTITION\tCOMMITTED\tEND\tLAG\tOLDEST\tHOST\tMEMBER")
	for _, g := range groups {
		for _, p := range g.Partitions {
			committed, host, member := "-", "-", "-"
			if p.Committed >= 0 {
				committed = fmt.Sprint(p.Committed)
			}
			for _, m := range g.Members {
				if m.ID == p.Member {
					host, member = m.Host, m.ID
				}
			}
			fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%d\t%d\t%s\t%s\t%s\n", g.Route, p.Topic, p.Number, committed, p.End, p.Lag, ago(now, p.Oldest), host, member)
		}
	}
}

// only is a text where something is so, else nothing.
func only(so bool, text string) string {
	if so {
		return text
	}
	return ""
}
