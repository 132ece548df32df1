package topics

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The ways to build the protocol wrongly. Each must be found, by the promise
// that it breaks.
const (
	soundModel           mutant = ""
	sourcesBeforeIndex   mutant = "sources are read before the index of parked and dead is whole"
	followersDelivered   mutant = "a follower is delivered while its key is parked"
	lettersHoldNothing   mutant = "a dead letter does not hold its key"
	letterBeforeClaim    mutant = "the letter is written before the claim says dead"
	deadIsDropped        mutant = "whoever meets a dead claim does not write its letter again"
	parkedBeforeItLies   mutant = "a message counts as finished before it lies in the parked topic"
	commitsWhatIsRead    mutant = "what is read is committed"
	callsWithoutSent     mutant = "the claim does not say sent before the call"
	takeoverForgetsSent  mutant = "a taken over claim that says sent is called like a new one"
	unclearIsUnavailable mutant = "no answer counts as no effect"
	asksTooEarly         mutant = "the system is asked while the call may still arrive"
	noLeaseGuard         mutant = "the first byte leaves after the lease"
	decisionsActBlindly  mutant = "a decision acts without the claim"
	lateEntriesCount     mutant = "a parked entry of an earlier owner goes before its message in the source"
	latePassedOver       mutant = "a parked entry of an earlier owner is passed over before its message is finished"
	notesCoverAll        mutant = "a note covers entries of other owners that its writer may not know"
	undoesBlindly        mutant = "an undo acts without the claim"
	undoForgetsClass     mutant = "an undo makes an uncertain letter one that is safe to replay"
	noNotes              mutant = "what is finished of a parked key is not noted in the topic"
)

// walkAtMost bounds the states of one world; what is farther than that from the
// start is not looked at, and the test says so. MODEL_STATES=10000000 walks all
// worlds whole, 18 million states, in less than nine minutes.
func walkAtMost() int {
	if n, err := strconv.Atoi(os.Getenv("MODEL_STATES")); err == nil {
		return n
	}
	if underRace {
		return 10_000
	}
	return 60_000
}

// What the model may do, as small as shows it.
type modelWorld struct {
	name           string
	messages, room uint8
	asks, zombies  bool
	pinned         bool // another key's entry lies first in the parked topic, and is never finished
	parked         bool // the first message was parked and committed by an owner long gone
	left           budget
}

var modelWorlds = []modelWorld{
	{name: "a crash, C3", messages: 2, room: 3, left: budget{crashes: 1, takeovers: 1, unclear: 1, expiries: 2}},
	{name: "a crash, C2", messages: 3, room: 3, asks: true, left: budget{crashes: 1, takeovers: 1, unclear: 1, expiries: 2}},
	{name: "a hub that does not know, C2", messages: 2, room: 3, asks: true, zombies: true, left: budget{takeovers: 1, unclear: 1, expiries: 1}},
	{name: "a hub that does not know, C3", messages: 2, room: 4, zombies: true, left: budget{takeovers: 1, unclear: 1, expiries: 1}},
	{name: "a parked key and a crash", messages: 2, room: 3, asks: true, left: budget{crashes: 1, takeovers: 1, outages: 1, parks: 1, late: 1, expiries: 1}},
	{name: "a parked key and a lost answer", messages: 2, room: 4, asks: true, left: budget{outages: 1, parks: 1, lostAcks: 1}},
	{name: "a parked key and a hub that does not know", messages: 2, room: 2, asks: true, zombies: true, left: budget{takeovers: 1, outages: 1, parks: 1}},
	{name: "a parked key and three owners", messages: 2, room: 4, asks: true, zombies: true, left: budget{takeovers: 2, outages: 2, parks: 2}},
	{name: "an entry of long ago and a hub that does not know", messages: 3, room: 5, parked: true, asks: true, zombies: true, left: budget{takeovers: 1}},
	{name: "a letter and two people, C3", messages: 2, room: 4, left: budget{refusals: 1, decisions: 2}},
	{name: "one letter, two people and a crash", messages: 1, room: 6, left: budget{refusals: 1, decisions: 2, crashes: 1, takeovers: 1}},
	{name: "a letter, a person and a crash", messages: 2, room: 4, left: budget{refusals: 1, decisions: 1, crashes: 1, takeovers: 1}},
	{name: "a discard taken back", messages: 2, room: 7, left: budget{refusals: 1, decisions: 3}},
	{name: "an uncertain letter's discard taken back, C3", messages: 1, room: 7, left: budget{unclear: 1, decisions: 3, expiries: 1}},
	{name: "a discard taken back and a crash", messages: 1, room: 9, left: budget{refusals: 1, decisions: 3, crashes: 1, takeovers: 1}},
	{name: "a discard taken back, a follower and a crash", messages: 2, room: 9, left: budget{refusals: 1, decisions: 2, crashes: 1, takeovers: 1}},
	{name: "a letter and a hub that does not know", messages: 2, room: 4, zombies: true, left: budget{refusals: 1, takeovers: 1}},
	{name: "parked entries that outlive their claims", messages: 2, room: 5, asks: true, pinned: true, left: budget{crashes: 1, takeovers: 1, outages: 1, parks: 1, expiries: 1}},
}

// A walk is what was found of one world.
type walk struct {
	states int
	broken string
	path   []string
}

// node is one state and how it was come to.
type node struct {
	state  modelState
	parent int32
	what   string
	who    int8
}

// explore walks the states of a world, breadth first, up to the first that
// breaks a promise, or until there are so many.
func explore(book *scriptBook, w modelWorld, broken mutant, most int) walk {
	start := modelState{messages: w.messages, room: w.room, left: w.left}
	start.left.takeovers++ // the first owner
	if w.pinned {
		start.parked[0], start.nParked = parkedNote{foreign: true}, 1
	}
	if w.parked {
		start.parked[0], start.nParked, start.committed[0] = parkedNote{writer: 99}, 1, 1
	}
	nodes := []node{{state: start, parent: -1}}
	known := map[modelState]struct{}{start: {}}
	var out walk
	m := &model{book: book, asks: w.asks, zombies: w.zombies, pinned: w.pinned, mutant: broken}
	for i := 0; i < len(nodes) && len(nodes) < most; i++ {
		s := nodes[i].state
		before := len(nodes)
		moves := 0
		m.out = func(what string, who int, next modelState) {
			if next == s {
				return
			}
			moves++
			if _, ok := known[next]; ok {
				return
			}
			known[next] = struct{}{}
			nodes = append(nodes, node{next, int32(i), what, int8(who)})
		}
		m.steps(&s)
		if moves == 0 && s.stuck() {
			out.broken, out.path = "what can be finished is finished", pathTo(nodes, i)
			break
		}
		for j := before; j < len(nodes) && out.broken == ""; j++ {
			if p := nodes[j].state.breaks(broken); p != "" {
				out.broken, out.path = p, pathTo(nodes, j)
			}
		}
		if out.broken != "" {
			break
		}
	}
	out.states = len(nodes)
	return out
}

// breaks names the promise that a state breaks.
func (s *modelState) breaks(broken mutant) string {
	if s.broken != "" {
		return s.broken
	}
	for msg := range s.messages {
		if !s.settled(msg) && !s.recoverable(msg, broken) {
			return "nothing is lost"
		}
	}
	return ""
}

// stuck says whether nothing can happen any more although a message that no
// letter holds is not settled.
func (s *modelState) stuck() bool {
	if s.cut {
		return false
	}
	for msg := range s.messages {
		if s.settled(msg) {
			continue
		}
		for _, d := range s.dead[:s.nDead] {
			if d.kind == deadLetter && s.letterOf[d.value] == msg && !s.resolvedInTopic(d.value) {
				return false // it waits for a person, and so do its followers
			}
		}
		return true
	}
	return false
}

func pathTo(nodes []node, i int) (path []string) {
	for ; i > 0; i = int(nodes[i].parent) {
		path = append([]string{fmt.Sprintf("%d %s", nodes[i].who, nodes[i].what)}, path...)
	}
	return path
}

// All interleavings of small worlds keep the promises: nothing is lost, each
// message has one effect, in order, one decision acts, and what is done is not
// called again.
func TestModelKeepsThePromises(t *testing.T) {
	book := newScriptBook(t)
	total, most := 0, walkAtMost()
	for _, w := range modelWorlds {
		got := explore(book, w, soundModel, most)
		total += got.states
		whole := ""
		if got.states >= most {
			whole = ", not whole"
		}
		t.Logf("%7d states: %s%s", got.states, w.name, whole)
		if got.broken != "" {
			t.Errorf("%s: broken: %s\n%s", w.name, got.broken, strings.Join(got.path, "\n"))
		}
	}
	t.Logf("%d states, %d records of a claim, %d runs of its scripts", total, len(book.records), len(book.known))
}

// A checker that finds nothing proves nothing: each broken protocol is found, by
// the promise that it breaks, in a world that the sound one keeps.
func TestModelFindsWhatIsBroken(t *testing.T) {
	book := newScriptBook(t)
	for _, tc := range []struct {
		broken         mutant
		world, promise string
	}{
		{sourcesBeforeIndex, "a letter and a hub that does not know", "effects in order"},
		{followersDelivered, "a parked key and a lost answer", "effects in order"},
		{lettersHoldNothing, "a letter and two people, C3", "effects in order"},
		{letterBeforeClaim, "a letter, a person and a crash", "what is resolved was decided"},
		{deadIsDropped, "one letter, two people and a crash", "nothing is lost"},
		{parkedBeforeItLies, "a parked key and a lost answer", "nothing is lost"},
		{commitsWhatIsRead, "a crash, C3", "nothing is lost"},
		{callsWithoutSent, "a crash, C3", "one effect for each message"},
		{takeoverForgetsSent, "a crash, C3", "one effect for each message"},
		{unclearIsUnavailable, "a crash, C3", "one effect for each message"},
		{asksTooEarly, "a crash, C2", "one effect for each message"},
		{noLeaseGuard, "a hub that does not know, C2", "one effect for each message"},
		{decisionsActBlindly, "a letter and two people, C3", "nothing is lost"},
		{lateEntriesCount, "a letter and a hub that does not know", "effects in order"},
		{latePassedOver, "a parked key and three owners", "effects in order"},
		{notesCoverAll, "an entry of long ago and a hub that does not know", "nothing is lost"},
		{undoesBlindly, "a discard taken back", "what is resolved was decided"},
		{undoForgetsClass, "an uncertain letter's discard taken back, C3", "one effect for each message"},
		{noNotes, "parked entries that outlive their claims", "one effect for each message"},
	} {
		t.Run(string(tc.broken), func(t *testing.T) {
			if tc.broken == notesCoverAll && underRace {
				t.Skip("found after 180,000 states: too far under the race detector")
			}
			i := slices.IndexFunc(modelWorlds, func(w modelWorld) bool { return w.name == tc.world })
			if got := explore(book, modelWorlds[i], tc.broken, 900_000); got.broken != tc.promise {
				t.Errorf("after %d states: %q is broken, want %q", got.states, got.broken, tc.promise)
			} else {
				t.Logf("found after %d states, in %d steps: %s", got.states, len(got.path), tc.promise)
			}
		})
	}
}
