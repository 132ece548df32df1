package claims

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Claim takes a message, or says why it must not be taken. A lost reply is
// asked for again under the same owner, a bounded number of times within ctx.
// An error means that Redis did not answer or refused, and is no verdict; a
// claim that was made all the same ends with its lease.
func (s *Store) Claim(ctx context.Context, r Request) (*Claim, error) { return s.Next(ctx, nil, r) }

// Next ends a claim, as Done does, and takes the next message of its application
// on the same route, in one atomic step: both or, with ErrLost, neither. After any
// other error the claim may have ended or not; Done finds out. With ended nil it is
// Claim.
func (s *Store) Next(ctx context.Context, ended *Claim, r Request) (*Claim, error) {
	tag := tagOf(r.Application)
	c := &Claim{
		Tag: tag, key: claimKey(&r, tag), fingerprint: digest(tokenBytes, r.Fingerprint), owner: newToken(),
		replicated: r.Replicated,
	}
	atOnce := ""
	if r.Sent {
		atOnce = "1"
	}
	name, keys := "claim", []string{c.key, counterKey(r.Route, tag)}
	args := []any{c.fingerprint, c.owner, s.cfg.Lease.Milliseconds(), atOnce}
	if ended != nil {
		name, keys = "next", append([]string{ended.key}, keys...)
		args = append(s.doneArgs(ended), args...)
	}
	var began time.Time
	known := s.known.of(r.Route)
	before := known[tag].Load()
	reply, err := s.do(ctx, name, func() (any, error) {
		began = time.Now()
		return s.batcher.do(ctx, &step{name: name, keys: keys, args: args})
	})
	if err == nil && reply == "lost" {
		return nil, ErrLost
	}
	if err == nil {
		err = c.read(reply)
	}
	if err != nil {
		return nil, fmt.Errorf("claims: %s: %w", name, err)
	}
	c.Lost = c.Count <= before
	known.saw(tag, c.Count, c.Lost)
	if c.Verdict == New || c.Verdict == Uncertain || c.Verdict == Answered {
		// Redis cuts its clock to the millisecond; one less here, and the
		// owner still gives up first.
		c.Lease = began.Add(s.cfg.Lease - time.Millisecond)
	}
	return c, nil
}

// read fills c from the reply verdict|count|... of the claim's step. What is kept
// of an answer comes last and may hold any byte.
func (c *Claim) read(reply any) (err error) {
	text, _ := reply.(string)
	word, rest, _ := strings.Cut(text, "|")
	count, rest, _ := strings.Cut(rest, "|")
	if c.Count, err = strconv.ParseInt(count, 10, 64); err != nil {
		return errors.New("unknown reply")
	}
	switch word {
	case "new":
		c.Verdict = New
	case "busy":
		c.Verdict = Busy
		c.Wait, err = millis(rest)
	case "done":
		c.Verdict = Done
	case "answered":
		c.Verdict, c.Reply = Answered, []byte(rest)
	case "uncertain":
		c.Verdict = Uncertain
		at, age, _ := strings.Cut(rest, "|")
		var sent time.Duration
		if sent, err = millis(at); err == nil {
			c.SentAt = time.UnixMilli(sent.Milliseconds())
			c.SentAge, err = millis(age)
		}
	case "dead":
		c.Verdict, c.Letter = Dead, rest
	case "conflict":
		c.Verdict = Conflict
	default:
		err = errors.New("unknown verdict")
	}
	return err
}

func millis(text string) (time.Duration, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	return time.Duration(n) * time.Millisecond, err
}

// Sent says, with Redis' time, that the first byte is about to leave. Nothing
// must be sent after an error, ErrLost among them: release the claim. With
// Request.Replicated it waits for the replicas.
func (s *Store) Sent(ctx context.Context, c *Claim) error {
	st := &step{name: "sent", keys: []string{c.key}, args: []any{c.owner}}
	return s.owned(ctx, st, c.replicated)
}

// Release says that the effect surely did not happen. The record goes back to
// what it was before this owner, absent or sent at its old time, and the lease
// ends. An answered record stays answered. Releasing twice is no error.
func (s *Store) Release(ctx context.Context, c *Claim) error {
	return s.owned(ctx, &step{name: "release", keys: []string{c.key}, args: []any{c.owner}}, false)
}

// Answered keeps the reply until Done. It is accepted after the lease too, as
// long as nobody has taken the claim over.
func (s *Store) Answered(ctx context.Context, c *Claim, reply []byte) error {
	st := &step{name: "answered", keys: []string{c.key}, args: []any{c.owner, c.fingerprint, reply}}
	return s.owned(ctx, st, false)
}

// Done ends the claim with a bare marker, which holds no reply and no personal
// data and lives Config.Keep. Whoever met an answered record may call it; else
// only the owner. Done on done is no error.
func (s *Store) Done(ctx context.Context, c *Claim) error {
	return s.owned(ctx, &step{name: "done", keys: []string{c.key}, args: s.doneArgs(c)}, false)
}

func (s *Store) doneArgs(c *Claim) []any {
	return []any{c.owner, c.fingerprint, s.cfg.Keep.Milliseconds()}
}

// Dead says that the message is the dead letter with this id, which must hold
// no "|". A kept reply stays, so that a replay publishes only.
func (s *Store) Dead(ctx context.Context, c *Claim, letter string) error {
	if letter == "" || strings.Contains(letter, "|") {
		return errors.New("claims: dead: not the id of a letter")
	}
	st := &step{name: "dead", keys: []string{c.key}, args: []any{c.owner, c.fingerprint, letter}}
	return s.owned(ctx, st, false)
}

// A Decision is what a person decided of a dead letter.
type Decision string

// The decisions. A letter whose effect is done is reopened as answered by
// either replay: it publishes only.
const (
	Replay    Decision = "replay"     // the next claim is New
	ReplayAsk Decision = "replay-ask" // the next claim is Uncertain: it asks first
	Finish    Decision = "finish"     // answered by a person: done
	Discard   Decision = "discard"    // done as well, until Undo
)

// Decide carries out a decision if the claim still is dead with that letter, in
// one atomic step; acted says whether it did. A second decision finds nothing to
// act on. A repeat of the same one (Request.DecisionID) acts again as long as no
// new owner has claimed the message since; after Finish and Discard, as long as
// the marker lives and nothing was undone.
func (s *Store) Decide(ctx context.Context, r Request, letter string, d Decision) (acted bool, err error) {
	if d != Replay && d != ReplayAsk && d != Finish && d != Discard {
		return false, fmt.Errorf("claims: decide: unknown decision %q", d)
	}
	token := newToken()
	if r.DecisionID != "" {
		token = decisionToken(r.DecisionID, letter, d)
	}
	return s.decide(ctx, r, letter, token, string(d))
}

// Decided says whether Decide has acted for the same decision before and would act
// again, as a repeat. It changes nothing.
func (s *Store) Decided(ctx context.Context, r Request, letter string, d Decision) (bool, error) {
	return s.decide(ctx, r, letter, decisionToken(r.DecisionID, letter, d), "look")
}

func (s *Store) decide(ctx context.Context, r Request, letter, token, what string) (bool, error) {
	st := &step{
		name: "decide", keys: []string{claimKey(&r, tagOf(r.Application))},
		args: []any{digest(tokenBytes, r.Fingerprint), token, letter, what, s.cfg.Keep.Milliseconds()},
	}
	err := s.owned(ctx, st, false)
	if errors.Is(err, ErrLost) {
		return false, nil
	}
	return err == nil, err
}

// decisionToken names a decision in the record that it has acted on.
func decisionToken(id, letter string, d Decision) string {
	return digest(tokenBytes, "decision", id, letter, string(d))
}

// Undo takes the discard of a letter back, which Request.DecisionID names: the
// message is dead again, under the letter with the id again. It acts only while
// the marker that the discard has left lives and nothing else has been decided;
// never where a reply was kept with the letter, for that went with the discard. A
// repeat acts again as long as that letter waits.
func (s *Store) Undo(ctx context.Context, r Request, letter, again string) (acted bool, err error) {
	if again == "" || strings.Contains(again, "|") {
		return false, errors.New("claims: undo: not the id of a letter")
	}
	st := &step{
		name: "undo", keys: []string{claimKey(&r, tagOf(r.Application))},
		args: []any{digest(tokenBytes, r.Fingerprint), decisionToken(r.DecisionID, letter, Discard), letter, again},
	}
	err = s.owned(ctx, st, false)
	if errors.Is(err, ErrLost) {
		return false, nil
	}
	return err == nil, err
}

// owned runs a step that answers 1, or 0 where the claim is not this owner's.
func (s *Store) owned(ctx context.Context, st *step, replicated bool) error {
	reply, err := s.do(ctx, st.name, func() (any, error) { return s.send(ctx, st, replicated) })
	switch n, ok := reply.(int64); {
	case ok && n == 0: // also where no replica confirmed that nothing was written
		return ErrLost
	case err != nil:
		return fmt.Errorf("claims: %s: %w", st.name, err)
	case !ok:
		return fmt.Errorf("claims: %s: unknown reply", st.name)
	}
	return nil
}

// send makes one attempt at a step, in a batch or, to be confirmed by replicas,
// alone.
func (s *Store) send(ctx context.Context, st *step, replicated bool) (any, error) {
	if replicated && s.cfg.Replicas > 0 {
		return s.batcher.confirmed(ctx, st, s.cfg.Replicas)
	}
	return s.batcher.do(ctx, &step{name: st.name, keys: st.keys, args: st.args})
}

// do counts and times a step, and repeats it where its reply was lost. That is
// safe for every step: a repeat by the same owner gives the same result.
func (s *Store) do(ctx context.Context, name string, attempt func() (any, error)) (reply any, err error) {
	began := time.Now()
	for range attempts {
		reply, err = attempt()
		if !replyLost(err) || ctx.Err() != nil {
			break
		}
	}
	result := "ok"
	switch {
	case err != nil && ctx.Err() != nil:
		result = "canceled"
	case err != nil:
		result = "error"
	}
	s.cfg.Metrics.Redis(name, result, time.Since(began))
	return reply, err
}
