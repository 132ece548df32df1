package check

import (
	"cmp"
	"slices"
	"time"

	"kandashub/mocks"
)

// clockSlack is how far clocks of one machine are taken to be apart.
const clockSlack = 50 * time.Millisecond

// identity names a message for ever, as the hub's claims do.
type identity struct{ source, id string }

// place is where a record lies.
type place struct {
	topic     string
	partition int
	offset    int64
}

// standing is how sure it is that a message was to come to its effects.
type standing int

const (
	must   standing = iota // acked, or found in its topic
	may                    // nobody knows whether it was written
	mustNo                 // surely not written
	poison                 // written, and must come to no effect
)

// A message is a good send with all that was sent as the same message.
type message struct {
	identity
	send     *Send // the first
	acked    time.Time
	standing standing
	wants    []*want
}

// A want is one of a message's wants with what it came to.
type want struct {
	*Want
	message *message
	effects []int // indexes of the ledger rows that are its own, without repeats
	state   state
	by      *carried // what explains the state, where it is not the effect
}

// A state is what a want came to.
type state int

const (
	missing  state = iota // nothing tells of it
	open                  // unfinished, and nobody waits for a person
	waiting               // behind a letter
	lettered              // a letter that nobody has decided
	decided               // a person answered or discarded it
	done                  // it has its effect
)

// run is a history whose parts have been tied together.
type run struct {
	*History
	slack    time.Duration
	list     []*route
	routes   map[string]*route
	readers  map[string][]*route // by topic
	messages []*message
	sent     map[identity]*message
	bad      map[place]*Send   // poison and conflicts
	good     map[place]bool    // records of good sends and their repeats
	places   map[place]*Record // see at
	rejects  []*reject
	groups   map[effectKey]*group
	phantoms []int
	repeats  int
	claims   map[string]string // state of a claim by the digest of its identity
}

// effectKey is what a ledger row and a want have in common.
type effectKey struct{ system, operation, application, event, id string }

// A group is the wants that one ledger row may belong to: one, unless the wants
// name neither event nor id.
type group struct {
	wants   []*want
	effects []int
}

// tie makes a run of a history.
func tie(h *History) *run {
	r := &run{
		History: h, slack: cmp.Or(h.Slack, clockSlack),
		routes: map[string]*route{}, readers: map[string][]*route{}, sent: map[identity]*message{},
		bad: map[place]*Send{}, good: map[place]bool{}, groups: map[effectKey]*group{}, claims: claimStates(h.Redis),
	}
	for _, c := range h.Routes {
		o := newRoute(c)
		r.list = append(r.list, o)
		r.routes[c.Name] = o
		for _, t := range c.Sources {
			r.readers[t] = append(r.readers[t], o)
		}
	}
	r.gather()
	r.findBad()
	for _, o := range r.list {
		o.read(r)
	}
	r.matchEffects()
	return r
}

// gather makes messages of the good sends. The best outcome of all sends of one
// identity counts; a message of unknown outcome that lies in its topic was
// written.
func (r *run) gather() {
	for i := range r.Sends {
		s := &r.Sends[i]
		if s.Kind != Good {
			continue
		}
		id := identity{s.Source, s.ID}
		m := r.sent[id]
		if m == nil {
			m = &message{identity: id, send: s, standing: mustNo}
			for w := range s.Wants {
				m.wants = append(m.wants, &want{Want: &s.Wants[w], message: m})
			}
			r.sent[id] = m
			r.messages = append(r.messages, m)
		}
	}
	for i := range r.Sends {
		s := &r.Sends[i]
		m := r.sent[identity{s.Source, s.ID}]
		if m == nil || s.Kind != Good && s.Kind != Repeat {
			continue
		}
		switch s.Outcome {
		case Acked:
			m.standing = must
			if m.acked.IsZero() || s.Done.Before(m.acked) {
				m.acked = s.Done
			}
		case Unknown:
			m.standing = min(m.standing, may)
		}
	}
	for _, topic := range r.topicsSent() {
		for _, rec := range r.Records[topic] {
			m := r.sent[identityOf(&rec)]
			if m != nil && m.standing == may && m.send.Topic == topic {
				m.standing, m.acked = must, rec.Time
			}
		}
	}
}

// topicsSent are the topics that the generator wrote to.
func (r *run) topicsSent() []string {
	var out []string
	seen := map[string]bool{}
	for i := range r.Sends {
		if t := r.Sends[i].Topic; !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	return out
}

// matchEffects gives each ledger row to the want whose it is. Of wants that name
// neither event nor id, those take rows first that nothing else explains, then
// by Seq.
func (r *run) matchEffects() {
	known := map[[2]string]bool{}
	add := func(w *want) {
		k := effectKey{w.System, w.Operation, w.message.send.Application, w.Event, w.ID}
		g := r.groups[k]
		if g == nil {
			g = &group{}
			r.groups[k] = g
		}
		g.wants = append(g.wants, w)
		known[[2]string{w.System, w.Operation}] = true
	}
	for _, m := range r.messages {
		for _, w := range m.wants {
			add(w)
		}
	}
	for _, x := range r.rejects {
		for i := range x.send.Wants {
			add(&want{Want: &x.send.Wants[i], message: x.asMessage()})
		}
	}
	for i := range r.Effects {
		e := &r.Effects[i]
		switch g := r.groupOf(e); {
		case e.Operation == violationRow || !known[[2]string{e.System, e.Operation}]:
		case e.Repeat:
			r.repeats++
		case g == nil:
			r.phantoms = append(r.phantoms, i)
		default:
			g.effects = append(g.effects, i)
		}
	}
	r.settle()
}

// violationRow is the operation under which a system writes down that it was
// misused.
const violationRow = "violation"

func (r *run) groupOf(e *mocks.Effect) *group {
	for _, k := range [...]effectKey{
		{e.System, e.Operation, e.Application, e.Event, e.ID},
		{e.System, e.Operation, e.Application, e.Event, ""},
		{e.System, e.Operation, e.Application, "", e.ID},
		{e.System, e.Operation, e.Application, "", ""},
	} {
		if g := r.groups[k]; g != nil {
			return g
		}
	}
	return nil
}

// settle says of each want what it came to: first what its own message tells,
// then what the ledgers tell, and for what is left what stopped on the way.
func (r *run) settle() {
	for _, m := range r.messages {
		for _, w := range m.wants {
			w.state, w.by = r.ownState(w)
		}
	}
	for _, g := range r.groups {
		g.share()
	}
	taken := map[*carried]bool{}
	for _, m := range r.messages {
		for _, w := range m.wants {
			if w.state < waiting {
				r.lookBefore(w, taken)
			}
		}
	}
	for _, m := range r.messages {
		m.wants = slices.DeleteFunc(m.wants, func(w *want) bool { return w.Optional && w.state <= open })
	}
}

// share gives a group's rows to its wants: one each as far as they go, what is
// left over to one that was replayed, or else to the first.
func (g *group) share() {
	slices.SortStableFunc(g.wants, func(a, b *want) int {
		return cmp.Or(
			cmp.Compare(a.message.standing, b.message.standing),
			cmp.Compare(a.doubt(), b.doubt()),
			cmp.Compare(a.message.send.Seq, b.message.send.Seq),
		)
	})
	blamed := g.wants[max(0, slices.IndexFunc(g.wants, (*want).wasReplayed))]
	for i, e := range g.effects {
		w := blamed
		if i < len(g.wants) {
			w = g.wants[i]
		}
		w.effects = append(w.effects, e)
		w.state = done
	}
}

// wasReplayed says whether a person had the want's message tried again.
func (w *want) wasReplayed() bool {
	return w.by != nil && slices.ContainsFunc(w.by.letters, func(l *letter) bool { return l.decision == "replay" })
}

// doubt ranks wants by how little is to be expected that a row is theirs.
func (w *want) doubt() int {
	switch {
	case w.state < waiting:
		return 0
	case w.state == waiting || slices.ContainsFunc(w.by.letters, (*letter).excludes):
		return 3
	case slices.ContainsFunc(w.by.letters, func(l *letter) bool { return l.class == classEffectDone }):
		return 1
	}
	return 2
}
