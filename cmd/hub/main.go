// Command hub carries messages between Kafka topics and the state systems: one
// operation of one external system per message. It is wiring only: systems.go
// is the routing table, hub.go starts what it names.
//
//	hub            serve until SIGINT or SIGTERM
//	hub check      try the settings and all that they name, without starting
//	hub settings   print the table of settings
//	hub version    say which version this is
//
// Every setting is an environment variable.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // the legal clocks run in Asia/Almaty, on any image

	"kandashub/observability"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const usage = `usage: hub            serve until SIGINT or SIGTERM
       hub check      try the settings and all that they name, without starting
       hub settings   print the table of settings
       hub version    say which version this is

Every setting is an environment variable; hub settings lists them.
`

// run is main with its surroundings as parameters; it returns the exit code.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	command := "serve"
	if len(args) > 0 {
		command = args[0]
	}
	if len(args) > 1 || command == "help" || command == "-h" || command == "--help" {
		fmt.Fprint(stderr, usage)
		return 2
	}
	switch command { // what needs no settings is not held up by mistakes in them
	case "settings":
		printSettings(stdout, routingPlan())
		return 0
	case "version", "--version":
		fmt.Fprintln(stdout, versionText())
		return 0
	case "serve", "check":
	default:
		fmt.Fprintf(stderr, "hub: there is no command %q\n%s", command, usage)
		return 2
	}
	cfg, err := loadConfig(environment(environ), routingPlan())
	if err != nil {
		fmt.Fprintf(stderr, "hub: the settings are wrong:\n%s\n", indent(err))
		return 2
	}
	if command == "check" {
		return check(ctx, cfg, stdout)
	}
	if err := serve(ctx, cfg, stderr); err != nil {
		fmt.Fprintf(stderr, "hub: %v\n", err)
		return 1
	}
	return 0
}

// versionText says which version this is, as hubctl version does.
func versionText() string {
	b := observability.ThisBuild()
	return fmt.Sprintf("hub %s (revision %s, %s)", b.Version, b.Revision, b.Go)
}

// environment turns KEY=value pairs into a map.
func environment(pairs []string) map[string]string {
	env := make(map[string]string, len(pairs))
	for _, p := range pairs {
		if k, v, ok := strings.Cut(p, "="); ok {
			env[k] = v
		}
	}
	return env
}

// indent prints one mistake a line.
func indent(err error) string {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return "  " + err.Error()
	}
	var lines []string
	for _, e := range joined.Unwrap() {
		lines = append(lines, "  "+e.Error())
	}
	return strings.Join(lines, "\n")
}
