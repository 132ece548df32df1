package topics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"kandashub/topics/failpoint"
)

// answered keeps the reply where the contract asks for it, publishes it, and
// ends the claim.
func (l *life) answered(ctx context.Context, replies []Reply) outcome {
	out, err := l.makeReplies(replies)
	if err == nil {
		err = l.checkReplies(out)
	}
	if err != nil {
		return l.dead(ctx, &Failure{Class: Undecided, Code: "reply", Err: err})
	}
	if len(replies) > 0 && l.Route.Operation.Effect.keepsReply() {
		kept, err := json.Marshal(out)
		if err != nil {
			return l.dead(ctx, &Failure{Class: Undecided, Code: "reply", Err: errors.New("the replies cannot be kept")})
		}
		if err := l.step(ctx, func() error { return l.Claims.Answered(ctx, l.claim, kept) }); err != nil {
			return l.failed(ctx, l.claimError(ctx, err))
		}
		l.kept = true
		failpoint.Hit(failpoint.Answered, l.Route.Name)
	}
	return l.publish(ctx, out)
}

// reply is a message and the topic it goes to; JSON while it is kept.
type reply struct {
	Topic   string
	Message Message
}

// makeReplies makes messages of what a rule wants written.
func (l *life) makeReplies(replies []Reply) ([]reply, error) {
	now := l.Now().UTC()
	out := make([]reply, 0, len(replies))
	for i, r := range replies {
		data, err := json.Marshal(r.Data)
		if err != nil {
			return nil, fmt.Errorf("reply %d to %s cannot be encoded", i, r.Topic)
		}
		id := r.ID
		if id == "" {
			id = DeriveID(l.msg.ID, l.Route.Name, strconv.Itoa(i))
		}
		m := Message{
			ID: id, Type: r.Type, Source: SourceHub, Subject: l.msg.Subject, Time: now, RootTime: l.msg.RootTime,
			Trace: l.msg.Trace.Child(), Data: data,
		}
		out = append(out, reply{r.Topic, m})
	}
	return out, nil
}

// checkReplies holds replies against the contract of their topics.
func (l *life) checkReplies(replies []reply) error {
	for i, r := range replies {
		if code, err := l.Check(r.Topic, r.Message); err != nil {
			return fmt.Errorf("reply %d to %s breaks its contract (%s): %w", i, r.Topic, code, err)
		}
	}
	return nil
}

// publishKept publishes the replies that a claim has kept.
func (l *life) publishKept(ctx context.Context, kept []byte) outcome {
	var replies []reply
	if err := json.Unmarshal(kept, &replies); err != nil {
		return l.unpublishable(ctx, "unknown", errors.New("the kept reply cannot be read"))
	}
	return l.publish(ctx, replies)
}

// publish writes the replies. Then the claim is to be ended.
func (l *life) publish(ctx context.Context, replies []reply) outcome {
	if out := l.writeReplies(ctx, replies); out.kind != finished {
		return out
	}
	failpoint.Hit(failpoint.Published, l.Route.Name)
	return outcome{kind: published}
}

// end ends the claim of a message whose replies are written.
func (l *life) end() outcome {
	return l.settle(l.step(l.term.overtime, func() error { return l.Claims.Done(l.term.overtime, l.claim) }))
}

// settle is what a message comes to once its claim has been ended; err says why
// it has not.
func (l *life) settle(err error) (out outcome) {
	defer func() { l.measure(out.kind) }()
	if err != nil {
		return l.failed(l.term.overtime, l.claimError(l.term.overtime, err))
	}
	failpoint.Hit(failpoint.Done, l.Route.Name)
	l.finished()
	return outcome{kind: finished}
}

// writeReplies writes replies in their order. It does not give up while ctx lasts,
// unless a reply can never be written.
func (l *life) writeReplies(ctx context.Context, replies []reply) outcome {
	for _, r := range replies {
		for attempt := 1; ; attempt++ {
			l.work.Send(r.Topic, r.Message.Trace)
			err := l.Producer.Publish(ctx, r.Topic, r.Message)
			l.work.Stop(codeOf(err))
			if err == nil {
				l.Gate.Resume(PauseKafka)
				break
			}
			if permanent(err) {
				return l.unpublishable(ctx, r.Topic, err)
			}
			wait := backoff(attempt, l.Timing.BackoffLeast, l.Timing.BackoffMost)
			l.Gate.Pause(PauseKafka, wait)
			if sleep(ctx, wait) != nil {
				return outcome{kind: stopped}
			}
		}
	}
	return outcome{kind: finished}
}
