package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"kandashub/topics/control"
)

// waitFlags say how long to wait for what comes of a decision of one letter.
type waitFlags struct {
	Wait   time.Duration `default:"1m" help:"How long to wait for what comes of it (${default})."`
	NoWait bool          `help:"Do not wait for what comes of it."`
}

// Validate wants a time.
func (f *waitFlags) Validate() error {
	if f.Wait < 0 {
		return errors.New("--wait is no time to wait")
	}
	return nil
}

// A decision is what is decided of one letter, by whom and why.
type decision struct {
	action, route, letter string
	order                 control.Order
	patience              time.Duration // to write it down
}

// one decides one letter, waits until a hub has carried that out, and says what came of
// it. The form is that of a run of many.
func (f waitFlags) one(ctx context.Context, s surroundings, d *desk, out outputFlag, what decision, decide func(context.Context, control.Order) error) error {
	what.order.ID = uuid.NewString() // by which its result is found
	writing, cancel := context.WithTimeout(ctx, what.patience)
	defer cancel()
	if err := decide(writing, what.order); err != nil {
		return err
	}
	if f.NoWait {
		fmt.Fprintf(s.stderr, "%s of letter %s is written; the hub carries it out, or dead show tells why it cannot\n", what.action, what.letter)
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, f.Wait+what.patience) // the second to read in
	defer cancel()
	r, err := d.Await(waiting, what.route, what.letter, what.order.ID, f.Wait)
	if err != nil {
		return errPartly{fmt.Errorf("%s of letter %s is written, but it is not known what came of it; dead show tells: %w", what.action, what.letter, err)}
	}
	t := told{Letters: 1, Decided: 1, Results: []control.Result{r}}
	err = f.judge(&t, what, r)
	return errors.Join(out.print(s.stdout, t, func(w io.Writer) {
		if err == nil {
			fmt.Fprintf(w, "%s of letter %s: %s\n", what.action, what.letter, resultText(r))
		}
	}), err)
}

// judge counts a result, and says what is wrong with it if anything is.
func (f waitFlags) judge(t *told, what decision, r control.Result) error {
	switch r.Result {
	case control.ResultDied:
		t.Died = 1
		return fmt.Errorf("%s of letter %s: the message died again, and is letter %s now; dead show tells why", what.action, what.letter, r.Next)
	case control.ResultRefused:
		t.Refused = 1
		return &control.Refusal{Reason: fmt.Sprintf("the hub could not carry out the %s of letter %s, which waits as before: %s", what.action, what.letter, r.Why)}
	case control.ResultWaiting:
		t.Waiting = 1
		return errPartly{fmt.Errorf("%s of letter %s is written, and has not been carried out after %s: is a hub running, does the system answer, is the route paused? It takes effect once the hub comes to it", what.action, what.letter, f.Wait)}
	case control.ResultDuplicate:
		t.Before = 1
	default:
		t.Delivered = 1
	}
	return nil
}
