// Command hubctl is the operator's command line. It reads the same settings
// from the environment as the hub; `hubctl --help` lists the commands. Data go to
// stdout, talk goes to stderr.
//
// What changes anything asks for --who and --why and is on record in hub.audit
// before it takes effect. Many dead letters are decided in two steps: dead plan
// says what would be done and changes nothing, dead run carries that plan out.
//
// It ends with 0 when all is well, with 1 when a check failed or a command could
// not be carried out, and with 2 when it was called wrongly.
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
)

// A cli is the whole command line: each field is a command.
type cli struct {
	Topics   topicsCmd   `cmd:"" help:"Make, list and check the Kafka topics of the contract."`
	Contract contractCmd `cmd:"" help:"Print the contract of the topics (AsyncAPI 3.0)."`
	Dead     deadCmd     `cmd:"" help:"List the dead letters and decide of them."`
	Route    routeCmd    `cmd:"" help:"Pause routes and resume them."`
	Breaker  breakerCmd  `cmd:"" help:"Hold the breaker of a route's operation."`
	Claims   claimsCmd   `cmd:"" help:"What to do once Redis has lost claims."`
	Audit    auditCmd    `cmd:"" help:"What operators did."`
}

// talk is where a command speaks to whoever runs it; its data go to stdout.
type talk struct{ io.Writer }

// Exit codes.
const (
	exitOK = iota
	exitFailed
	exitUsage
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// errHelp leaves the parser once help has been printed.
var errHelp = errors.New("help was printed")

// run carries out one command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	// kong ends the program once it has printed help; a panic takes us back here.
	defer func() {
		if r := recover(); r != nil {
			if r != errHelp { //nolint:errorlint // the very value that we threw
				panic(r)
			}
			code = exitOK
		}
	}()
	parser, err := kong.New(new(cli),
		kong.Name("hubctl"),
		kong.Description("Operates kandashub."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { panic(errHelp) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.BindTo(stdout, (*io.Writer)(nil)),
		kong.Bind(talk{stderr}),
	)
	if err != nil {
		panic(fmt.Errorf("the command line is declared wrongly: %w", err)) // a mistake of ours, found by every test
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "hubctl: %v; see hubctl --help\n", err)
		return exitUsage
	}
	if err := command.Run(); err != nil {
		fmt.Fprintf(stderr, "hubctl: %v\n", err)
		return exitFailed
	}
	return exitOK
}
