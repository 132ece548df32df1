package topics

import (
	"context"
	"time"
)

// An Effect is an operation's effect contract: what a repeat of the same
// request does at the system (domain.md 1).
type Effect int

// The effect contracts.
const (
	ReadOnly Effect = iota // changes nothing: repeat freely
	C1                     // honours our message id: a repeat returns the first answer
	C2                     // does not, but can be asked what became of our id
	C3                     // neither: nothing is repeated by machine
)

func (e Effect) String() string { return [...]string{"read only", "C1", "C2", "C3"}[e] }

// keepsReply says whether a reply is kept with its claim until it is published.
// A C1 system returns it on a repeat.
func (e Effect) keepsReply() bool { return e != C1 }

// sentAtOnce says whether claim and sent may be one step: where a repeat does
// no harm, "claimed, perhaps not sent" need not be told from "sent".
func (e Effect) sentAtOnce() bool { return e == C1 || e == ReadOnly }

// A VoidedCall is a call that never happened: of this message, as far as it had come
// by that time. The message may be taken up again later, and call.
type VoidedCall struct {
	MessageID string
	Since     time.Time // of the marker, or when the message said sent
}

// An Operation is one operation of one external system with the rule that
// turns its answer into replies. Its functions are called by many goroutines at
// once, end soon after their context ends, do not retry, and return errors of
// type *Failure.
type Operation struct {
	System string // as in domain.md 1, for example "gbdfl"
	Name   string // for example "find-person"
	Effect Effect

	// Do calls the system once and returns what is to be written.
	Do func(ctx context.Context, m Message) ([]Reply, error)

	// Ask says what became of m after an unclear outcome: arrived with the
	// replies to write, or definitely never arrived. An error of class
	// Unavailable is "no answer". It is called no earlier than sent + deadline
	// + settle. Required for C2; for C3 where another system can answer, it
	// may hand the question over by replies. Never called for ReadOnly and C1.
	Ask func(ctx context.Context, m Message, sent time.Time) (replies []Reply, arrived bool, err error)

	// Settle is how long after sent + deadline the system may still carry out
	// a call. C2 and C3 only.
	Settle time.Duration

	// Markers names what no other message may be doing at the same time, as
	// opaque strings without personal data (domain.md 3.2). C3 only; may be
	// nil.
	Markers func(m Message) ([]string, error)

	// Voided are the calls of which a person has found out that they never
	// happened: their markers go first, unless they have been written again
	// since. May be nil.
	Voided func(m Message) []VoidedCall

	// Freed says of the answer to m that the system has refused, so that the
	// markers go. Required with Markers.
	Freed func(m Message, replies []Reply) bool

	// Taken returns what to write when a marker is held by the message with
	// id holder since the given time, and settle has passed.
	Taken func(m Message, holder string, since time.Time) ([]Reply, error)

	// Stale says, just before the call, that m must not be called any more;
	// the replies it returns are written instead. What is older than lost, when
	// a loss of claims was accepted, is stale. Required for C3 with Markers.
	Stale func(m Message, now, lost time.Time) (replies []Reply, stale bool)
}

// A Route reads topics and calls one operation for each message.
type Route struct {
	Name      string   // the consumer group is hub.<Name>
	Sources   []string // topics it reads
	Writes    []string // topics its replies may go to
	Operation Operation

	// FollowersPass lets later messages of an application go on although an
	// earlier one is an unresolved dead letter.
	FollowersPass bool
}

// Group is the route's consumer group.
func (r Route) Group() string { return "hub." + r.Name }

// ParkedTopic holds the keys of the route that wait.
func (r Route) ParkedTopic() string { return r.Name + ".parked" }

// DeadTopic holds the route's dead letters and what was decided of them.
func (r Route) DeadTopic() string { return r.Name + ".dead" }
