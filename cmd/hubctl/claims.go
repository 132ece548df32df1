package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"kandashub/topics/control"
)

type claimsCmd struct {
	Status claimsStatusCmd `cmd:"" help:"Say whether a loss of claims stands."`
	Accept claimsAcceptCmd `cmd:"" help:"Let the routes that wait for it go on."`
}

type claimsStatusCmd struct {
	kafkaFlags
	outputFlag
}

// A lossStatus is what is known of lost claims.
type lossStatus struct {
	Standing bool          `json:"standing"`       // routes wait for its acceptance
	Loss     *control.Loss `json:"loss,omitempty"` // the last one; none if there never was one
}

// Run prints the last loss.
func (c *claimsStatusCmd) Run(ctx context.Context, stdout io.Writer) error {
	return c.operate(ctx, func(ctx context.Context, d *desk) error {
		wanted, err := d.wanted(ctx)
		if err != nil {
			return err
		}
		status := lossStatus{Standing: wanted.Loss.Standing()}
		if wanted.Loss.By != "" {
			status.Loss = &wanted.Loss
		}
		return c.print(stdout, status, func(t io.Writer) { tellLoss(t, status) })
	})
}

func tellLoss(t io.Writer, s lossStatus) {
	switch l := s.Loss; {
	case l == nil:
		fmt.Fprintln(t, "no hub has noticed a loss of claims")
	case s.Standing:
		fmt.Fprintf(t, "a loss of claims stands: noticed at %s by %s on route %s; C2 and C3 routes wait until it is accepted\n", when(l.At, "an unknown time"), l.By, l.Route)
	default:
		fmt.Fprintf(t, "the loss of claims noticed at %s by %s was accepted at %s by %s: %s\n", when(l.At, "an unknown time"), l.By, when(l.AcceptedAt, ""), l.AcceptedBy, l.Why)
	}
}

type claimsAcceptCmd struct {
	kafkaFlags
	orderFlags
	Settle time.Duration `env:"HUB_SETTLE_C3" default:"15m" help:"How long a C3 system may still carry out a call (${default}), as the hubs have it."`
}

func (c *claimsAcceptCmd) Run(ctx context.Context, out talk) error {
	return c.operate(ctx, func(ctx context.Context, d *desk) error {
		d.Settle = c.Settle
		if err := d.AcceptLoss(ctx, c.order()); err != nil {
			return err
		}
		fmt.Fprintln(out, "the loss is accepted; the hubs go on, and ask about what is older")
		return nil
	})
}
