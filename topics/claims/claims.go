// Package claims keeps claims on effects in Redis, so that a message has one
// effect at its system across crashes, rebalances and repeats.
//
// # The record
//
// A message is known by its identity: route, source and id. For each identity
// Redis holds one record, which is in one of these states:
//
//	absent    nobody has met the message, or its call surely did not happen
//	claimed   an owner has it until its lease ends; nothing was sent yet
//	sent      an owner was about to call: the effect is possible
//	answered  the effect is done; the reply is kept until it is published
//	done      finished; a bare marker without reply or personal data, which after
//	          a discard also names the letter, so that it can be undone
//	dead      a dead letter, which waits for a person's decision
//	reopened  a person decided to replay; like absent for the next owner
//
// Each step below is one atomic step in Redis, on Redis' clock. A claim
// answers with a verdict, and the verdict alone says what may be done:
//
//	record of the same content      verdict    the owner may
//	absent, reopened                new        call
//	claimed, lease over             new        call: it was never sent
//	any owner's, lease runs         busy       wait
//	sent, lease over                uncertain  ask or repeat, as the effect contract says
//	answered, lease over            answered   publish the kept reply again, and call nobody
//	done                            done       drop the message
//	dead                            dead       write the letter again, and hold the key
//	any state, with other content   conflict   nothing: the message is not to be trusted
//
// # Guarantees
//
// Unresolved records never expire; done lives Config.Keep. An owner is known by
// a token that is new for each claim, so a late step of an earlier owner is
// refused with [ErrLost], and a step that is repeated because its reply was lost
// gives the same result. The owner counts its lease from before the claim went
// out and Redis from when it handles it, so the owner gives up first; the two
// clocks need not agree.
//
// Where Redis does not answer, there is an error and never a verdict: the route
// waits. Where Redis has lost its data, the outcome of a call (answered, done,
// dead) is written down all the same, and the counters tell of the loss: each
// hash tag has one, raised in the same step as its claims. A claim whose counter
// is not higher than one known before says so ([Claim.Lost]); what a store knows
// begins with [Store.Learn].
//
// # The client
//
// The Redis client belongs to the caller. It is made with MaxRetries -1: this
// package repeats a step itself where the reply was lost, and no repeat of the
// client's is relied upon. ContextTimeoutEnabled, and read and write timeouts
// far below the lease, keep a Redis that hangs from eating it. SET with NX
// and GET together needs Redis 7.
//
// All steps go through one batcher: what has queued while the last round trip
// was under way goes out together, as one run of a script that takes many steps
// (see batch.go). In a Redis Cluster there is one run for each hash tag.
package claims

import (
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"kandashub/observability"
)

// A Verdict is what a claim came to.
type Verdict int

// The verdicts; the package comment says what each allows.
const (
	New Verdict = iota + 1
	Busy
	Done
	Answered
	Uncertain
	Dead
	Conflict
)

func (v Verdict) String() string {
	names := [...]string{"invalid", "new", "busy", "done", "answered", "uncertain", "dead", "conflict"}
	if v < 0 || int(v) >= len(names) {
		v = 0
	}
	return names[v]
}

// ErrLost means that the claim is not this owner's any more: another owner has
// taken it over or finished it, a person has decided, or, for [Store.Sent] only,
// the lease has ended. What the message came to is found by a new claim.
var ErrLost = errors.New("claims: the claim belongs to another owner")

// ErrClosed is returned after [Store.Close].
var ErrClosed = errors.New("claims: store is closed")

// ErrNotReplicated is returned by [Store.Sent] and [Store.Mark] where the step
// took place but too few replicas confirmed it. Nothing must be called: release
// the claim.
var ErrNotReplicated = errors.New("claims: not confirmed by replicas")

// A Request names the message to claim.
type Request struct {
	Route       string
	Application string // chooses the hash tag
	Source      string // ce_source
	ID          string // ce_id
	Fingerprint string // covers the content; any length, only a hash is kept

	// Sent claims and says sent in one step. For effects that a repeat does
	// not double (C1, read only), where "claimed, perhaps not sent" need not
	// be told from "sent".
	Sent bool

	// Replicated makes Sent wait for Config.Replicas replicas. For effects
	// that no machine may repeat (C3).
	Replicated bool

	// DecisionID names the record of a person's decision. Used by Decide only:
	// a decision that is carried out again after a crash then acts again. Empty:
	// only a repeat within one call of Decide is recognised.
	DecisionID string
}

// A Claim is what one attempt at a message holds. Only those fields are set that
// belong to the verdict, and it does not change.
type Claim struct {
	Verdict Verdict
	Wait    time.Duration // Busy: until the other owner's lease ends
	Reply   []byte        // Answered: the kept reply
	Letter  string        // Dead: the letter's id
	SentAt  time.Time     // Uncertain: when an earlier owner said sent, on Redis' clock
	SentAge time.Duration // Uncertain: how long ago that is, on Redis' clock

	// Lease is until when the owner may act; zero unless the verdict is New,
	// Uncertain or Answered. It is local and monotonic.
	Lease time.Time

	// Tag is the hash tag's number nn, and Count its counter after this step.
	// Lost says that Redis has lost data: Count is not higher than what was known
	// of this route and tag before Claim was called. (Claims that overlap may
	// return in any order, so only counts from before the call compare.)
	Tag   int
	Count int64
	Lost  bool

	key, fingerprint, owner string
	replicated              bool
}

// Config holds what all claims of a store share.
type Config struct {
	// Lease is how long an owner holds a claim; longer than a call's deadline
	// plus a margin, for it is never renewed. 0 means 12 s.
	Lease time.Duration

	// Keep is how long done markers live: the longest retention of the sources
	// plus a day. 0 means 8 days.
	Keep time.Duration

	// Replicas is how many replicas must confirm "sent" of a Replicated claim
	// and person markers, by WAIT. 0: Redis has no replicas, or none is
	// waited for.
	Replicas int

	// Metrics counts and times each step; may be nil.
	Metrics *observability.Metrics
}

// A Store makes claims. It is safe for concurrent use; the steps of one Claim
// are to be called one after another.
type Store struct {
	rdb     redis.UniversalClient
	cfg     Config
	batcher *batcher
	known   knownCounters
}

// NewStore returns a store on rdb, which stays the caller's to close. The package
// comment says how rdb is to be made.
func NewStore(rdb redis.UniversalClient, cfg Config) *Store {
	if cfg.Lease == 0 {
		cfg.Lease = 12 * time.Second
	}
	if cfg.Keep == 0 {
		cfg.Keep = 8 * 24 * time.Hour
	}
	if cfg.Lease < 10*time.Millisecond || cfg.Keep < time.Second {
		panic(fmt.Sprintf("claims: lease %s or keep %s is too short", cfg.Lease, cfg.Keep))
	}
	return &Store{rdb: rdb, cfg: cfg, batcher: newBatcher(rdb, cfg.Lease)}
}

// Close lets the round trips under way end and fails what waits with ErrClosed.
func (s *Store) Close() { s.batcher.close() }
