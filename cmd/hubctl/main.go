// Command hubctl is the operator's command line. It reads the same settings
// from the environment as the hub; `hubctl --help` lists the commands.
//
// Data go to stdout, talk goes to stderr. Whatever prints data takes -o table,
// json, yaml or jsonl; `hubctl shapes` describes the JSON. What letters carry is
// personal data and shown in its form only, unless --payload asks for it, which
// is on record.
//
// What changes anything asks for --who and --why and is on record in hub.audit
// before it takes effect. Many dead letters are decided with a filter: --dry-run
// says what would be done and changes nothing, and without --yes a person is
// asked. dead plan and dead run do the same in two steps.
//
// It ends with
//
//	0  done; also a --watch that was interrupted
//	1  failed: a check did, or a command could not be carried out
//	2  called wrongly
//	3  nothing matched: what was named or filtered for is not there
//	4  partly done: the same command goes on; or a hub has yet to carry it out
//	5  refused by a rule, nothing was done
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"
	"github.com/posener/complete"

	"kandashub/topics/contract"
	"kandashub/topics/control"
)

// A cli is the whole command line: each field is a command.
type cli struct {
	Route    routeCmd    `cmd:"" help:"List routes, pause, resume and drain them."`
	Lag      lagCmd      `cmd:"" help:"Show the consumer groups and what they have not finished."`
	Dead     deadCmd     `cmd:"" help:"List the dead letters and decide of them."`
	Trace    traceCmd    `cmd:"" help:"Show the whole way of an application, with its latencies."`
	Breaker  breakerCmd  `cmd:"" help:"Hold the breaker of a route's operation."`
	Claims   claimsCmd   `cmd:"" help:"What to do once Redis has lost claims."`
	Audit    auditCmd    `cmd:"" help:"What operators did."`
	Doctor   doctorCmd   `cmd:"" help:"Try all that the hubs rest upon, and say what to do."`
	Topics   topicsCmd   `cmd:"" help:"Make, list and check the Kafka topics of the contract."`
	Contract contractCmd `cmd:"" help:"Print the contract of the topics (AsyncAPI 3.0)."`
	Alerts   alertsCmd   `cmd:"" help:"Give out the alerts for Prometheus, and what to do on each. Asks no hub."`
	Boards   boardsCmd   `cmd:"" help:"Write the Grafana boards, as JSON for its provisioning. Asks no hub."`
	Shapes   shapesCmd   `cmd:"" help:"Print the JSON Schema of what the commands print with -o json."`
	Version  versionCmd  `cmd:"" help:"Say which version this is."`

	Completion kongcompletion.Completion `cmd:"" help:"Complete commands in bash, zsh or fish."`
}

// talk is where a command speaks to whoever runs it; its data go to stdout.
type talk struct{ io.Writer }

// Exit codes, as the package comment has them.
const (
	exitOK = iota
	exitFailed
	exitUsage
	exitNothing
	exitPartly
	exitRefused
)

// errNothing means that nothing matched.
var errNothing = errors.New("nothing matched")

// errPartly is what a command that was partly done ends with.
type errPartly struct{ error }

func (e errPartly) Unwrap() error { return e.error }

// A mistake is a command line that reads well and asks for too little.
type mistake struct{ error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], surroundings{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		asks: isTerminal(os.Stdin) && isTerminal(os.Stderr), live: isTerminal(os.Stderr), screen: isTerminal(os.Stdout),
	})
	stop()
	os.Exit(code)
}

// errHelp leaves the parser once help has been printed.
var errHelp = errors.New("help was printed")

// run carries out one command line and returns the exit code.
func run(ctx context.Context, args []string, s surroundings) (code int) {
	// kong ends the program once it has printed help; a panic takes us back here.
	defer func() {
		if r := recover(); r != nil {
			if r != errHelp { //nolint:errorlint // the very value that we threw
				panic(r)
			}
			code = exitOK
		}
	}()
	parser := newParser(ctx, s)
	// Answers a shell that asks how a command line may go on, and leaves.
	kongcompletion.Register(parser, kongcompletion.WithPredictor("route", complete.PredictFunc(routeNames)))
	command, err := parser.Parse(args)
	if err == nil {
		err = command.Run()
	} else {
		err = mistake{err}
	}
	return s.conclude(err)
}

// newParser knows the whole command line.
func newParser(ctx context.Context, s surroundings) *kong.Kong {
	parser, err := kong.New(new(cli),
		kong.Name("hubctl"),
		kong.Description("Operates kandashub."),
		kong.Writers(s.stdout, s.stderr),
		kong.Exit(func(int) { panic(errHelp) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.BindTo(s.stdout, (*io.Writer)(nil)),
		kong.Bind(talk{s.stderr}, s),
	)
	if err != nil {
		panic(fmt.Errorf("the command line is declared wrongly: %w", err)) // a mistake of ours, found by every test
	}
	return parser
}

// conclude tells what an error means and returns the exit code.
func (s surroundings) conclude(err error) int {
	var wrong mistake
	var refused *control.Refusal
	var partly errPartly
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &wrong):
		fmt.Fprintf(s.stderr, "hubctl: %v; see hubctl --help\n", err)
		return exitUsage
	}
	fmt.Fprintf(s.stderr, "hubctl: %v\n", err)
	switch {
	case errors.Is(err, errNothing), errors.As(err, &refused) && refused.Missing:
		return exitNothing
	case errors.As(err, &partly):
		return exitPartly
	case errors.As(err, &refused):
		return exitRefused
	}
	return exitFailed
}

// routeNames completes the names of routes.
func routeNames(complete.Args) []string {
	agreed, err := contract.Load()
	if err != nil {
		return nil
	}
	return control.Routes(agreed)
}
