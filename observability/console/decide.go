package console

import (
	"context"
	"net/url"
	"slices"
	"time"

	"kandashub/topics"
	"kandashub/topics/control"
)

func (v *visit) replay() error {
	return v.decide("note.replayed", v.cfg.Commands.Replay)
}

func (v *visit) discard() error {
	return v.decide("note.discarded", v.cfg.Commands.Discard)
}

// undo takes a discard back and goes to the letter that the message is then.
func (v *visit) undo() error {
	o, err := v.order()
	if err != nil {
		return err
	}
	route := v.r.PathValue("route")
	var again string
	err = v.weigh(func(ctx context.Context) error {
		again, err = v.cfg.Commands.Undo(ctx, o, route, v.r.PathValue("letter"), undoWait)
		return err
	})
	if err != nil {
		return err
	}
	if err := v.letters.readAnew(v.r.Context()); err != nil {
		return err
	}
	return v.to(letterPath(route, again), "note.undone")
}

// undoWait is how long a hub may take to undo a discard.
const undoWait = 20 * time.Second

func letterPath(route, id string) string {
	return "/letters/" + url.PathEscape(route) + "/" + url.PathEscape(id)
}

// decide writes a decision of one letter.
func (v *visit) decide(note string, do func(ctx context.Context, o control.Order, route, id string) error) error {
	o, err := v.order()
	if err != nil {
		return err
	}
	route, id := v.r.PathValue("route"), v.r.PathValue("letter")
	if err := v.weigh(func(ctx context.Context) error { return do(ctx, o, route, id) }); err != nil {
		return err
	}
	result, err := v.result(o, route, id)
	if err != nil {
		return err
	}
	if result == control.ResultWaiting { // the page tells once there is more
		return v.to(letterPath(route, id), note)
	}
	texts, err := loadTexts(v.lang)
	if err != nil {
		return err
	}
	return v.to(letterPath(route, id), "note.came", texts.word("result", result))
}

// decisionWait is how long a page waits for what a decision comes to. A hub that is
// there, and whose system answers, needs milliseconds.
const decisionWait, decisionLook = 3 * time.Second, 100 * time.Millisecond

// result waits for what an order's decision of a letter comes to, one of control's
// results.
func (v *visit) result(o control.Order, route, id string) (string, error) {
	ctx, cancel := context.WithTimeout(v.r.Context(), decisionWait)
	defer cancel()
	look := time.NewTicker(decisionLook)
	defer look.Stop()
	for {
		if err := v.letters.readAnew(v.r.Context()); err != nil {
			return "", err
		}
		l, err := v.letters.get(route, id)
		if err != nil {
			return "", err
		}
		refused := slices.ContainsFunc(l.Refused, func(d topics.RefusedDecision) bool { return d.ID == o.ID })
		switch {
		case refused:
			return control.ResultRefused, nil
		case l.Resolved:
			return control.ResultOf(&l), nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return control.ResultWaiting, nil
		}
	}
}
