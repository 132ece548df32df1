// Package check decides from outside what the hubs of a run did: from what was
// sent, from the ledgers of the systems, from the topics and from Redis. It
// never asks a hub.
//
// history.go is what it is given, verdict.go what it says. [Check] first ties
// the parts of a history together (run.go, route.go, letter.go, reject.go): who
// sent what, what each route met, parked and buried, and which row of a ledger
// belongs to which want. state.go then says what each want came to, and one file
// for each invariant holds it against that: effect.go, order.go, letters.go,
// commit.go, result.go, personal.go.
//
// A run can be judged better the more its wants name. Those that name neither
// event nor id are only counted: their order cannot be seen.
package check

import (
	"time"

	"kandashub/mocks"
)

// A Contract is what a repeat of a request does at the system (design.md 4).
type Contract string

// The effect contracts.
const (
	ReadOnly Contract = "read-only"
	C1       Contract = "C1"
	C2       Contract = "C2"
	C3       Contract = "C3"
)

// A Kind is what a send is meant to be.
type Kind string

// The kinds of sends.
const (
	Good     Kind = "good"     // a message that must come to its effects
	Repeat   Kind = "repeat"   // an earlier one once more, byte for byte
	Conflict Kind = "conflict" // an earlier one's id with other content
	Poison   Kind = "poison"   // can never succeed
)

// An Outcome is what the generator heard of a send.
type Outcome string

// The outcomes.
const (
	Acked   Outcome = "acked"
	Failed  Outcome = "failed"  // surely not written
	Unknown Outcome = "unknown" // perhaps written
)

// A Send is one message that the generator wrote, or tried to.
type Send struct {
	ID, Source, Type string
	Topic            string
	Partition        int
	Offset           int64 // -1 where it is not known
	Application      string
	Seq              int // among the good sends of the application, from 1
	Kind             Kind
	Outcome          Outcome
	At, Done         time.Time // when it was begun, and when the outcome was known
	Wants            []Want    // what a good one must come to
}

// A Want is one effect that a good send must come to. An effect in a ledger is
// a want's if system, operation and application are the same, and event and id
// too where the want names them. Wants that name neither are counted.
type Want struct {
	Route     string // that calls the system
	System    string
	Operation string
	Event     string
	ID        string
	Optional  bool // it may come to nothing, for another message may have come to it
	Contract  Contract
	Ordered   bool     // the application's effects of this operation come in the order of Seq
	Upstream  []string // routes before this one: their letters explain what is missing, too
	Result    string   // topic to which the route writes one result for the effect; empty: none
}

// A Record is one record of a topic.
type Record struct {
	Topic     string
	Partition int
	Offset    int64
	Time      time.Time
	Key       []byte
	Value     []byte
	Headers   map[string]string // the last of each name
}

// A Commit is a committed offset as seen at a time, which is taken when the
// answer is there: all that lies below had to be finished by then.
type Commit struct {
	At        time.Time
	Group     string
	Topic     string
	Partition int
	Offset    int64
}

// A Route is what the contract says of one: the topics that it reads. Beside it
// are <name>.parked and <name>.dead, and its group is hub.<name>.
type Route struct {
	Name    string
	Sources []string

	// Writes are the topics that its messages go on to, also through the system
	// that it calls. They tell which routes lie before a want's that does not
	// say so itself (Want.Upstream), and what must have been written further
	// before an offset is committed.
	Writes []string
}

// A Writing is a file that something of a run wrote, to be searched for
// personal data.
type Writing struct {
	Name string
	Path string
}

// A History is everything that is known of a run.
type History struct {
	Sends    []Send
	Effects  []mocks.Effect      // of all ledgers; those of one system in their order
	Records  map[string][]Record // by topic; those of one partition in their order
	Commits  []Commit            // in the order in which they were seen
	Ends     map[string][]Commit // by group: where it ended
	Redis    map[string]string   // the claims' records at the end, by key
	Routes   []Route
	Remade   map[string]bool // topics that were deleted and made again
	Outcomes bool            // the hubs report what becomes of messages to hub.outcomes
	Personal []string        // values that must be found nowhere
	Writings []Writing

	// Slack is how far the clocks may be apart that wrote the ledgers, the
	// records' times and the commits; zero: 50 ms.
	Slack time.Duration
}

// A Violation is one broken invariant (operations.md 3.3).
type Violation struct {
	Invariant string // I1 to I11
	Name      string // lost, undecided, duplicate effect, ...
	What      string // ids and offsets, never personal data
}

// A Verdict is what a run came to.
type Verdict struct {
	Messages   int // good sends that were acked
	Effects    int // of them, the first of each
	Repeats    int // that the systems recognised
	Unknown    int // sends
	Lost       int
	Doubled    int
	Disorder   int
	Uncertain  int // dead letters of class uncertain: a person decides
	Letters    int // of all classes, each once
	Waiting    int // messages behind a letter
	Personal   int
	Found      map[string]int // violations by name
	Violations []Violation    // at most 20 of each name
}
