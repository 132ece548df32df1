package main

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"kandashub/topics"
	"kandashub/topics/contract"
	"kandashub/topics/control"
)

// orderFlags say who changes something, and why.
type orderFlags struct {
	Who string `required:"" help:"Who wants it; kept for ever."`
	Why string `required:"" help:"Why; kept for ever. No personal data."`
}

func (f orderFlags) order() control.Order { return control.Order{Who: f.Who, Why: f.Why} }

// outputFlag is how data are printed.
type outputFlag struct {
	Output string `short:"o" enum:"table,json" default:"table" help:"table or json."`
}

// printJSON prints data for programs.
func printJSON(w io.Writer, data any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(data)
}

// operate runs f with the commands of an operator, for as long as the flags
// allow.
func (k kafkaFlags) operate(ctx context.Context, f func(context.Context, *control.Commands) error) error {
	ctx, cancel := context.WithTimeout(ctx, k.Timeout)
	defer cancel()
	return k.operateOn(ctx, f)
}

// operateOn is operate without a limit in time.
func (k kafkaFlags) operateOn(ctx context.Context, f func(context.Context, *control.Commands) error) error {
	agreed, err := contract.Load()
	if err != nil {
		return err
	}
	cluster := k.cluster()
	defer cluster.Close()
	producer := topics.NewProducer(cluster, k.Timeout, nil)
	store := control.Open(cluster, producer, "hubctl")
	ended := make(chan error, 1)
	following, stop := context.WithCancel(ctx)
	go func() { ended <- store.Run(following) }()
	err = f(ctx, &control.Commands{
		Cluster: cluster, Producer: producer, Store: store, Audit: control.NewAudit(cluster, producer), Routes: control.Routes(agreed),
	})
	stop()
	<-ended
	return err
}

// when prints a time; nothing for none.
func when(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return t.UTC().Format(time.RFC3339)
}
