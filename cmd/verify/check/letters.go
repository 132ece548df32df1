package check

import (
	"bytes"
	"slices"
	"strings"
)

// letterHeaders are what every letter says of itself (topics/letter.go).
var letterHeaders = [...]string{
	"hub_letter", "hub_class", "hub_code", "hub_reason", "hub_route", "hub_holds", "hub_topic", "hub_partition", "hub_offset", "hub_written", "hub_at",
}

// checkLetters is I5 for letters of messages that might have had an effect.
func (v *verdict) checkLetters(r *run) {
	for _, o := range r.list {
		for _, l := range o.copies {
			for _, what := range l.incomplete(r, o) {
				v.add("I5", "dead letter incomplete", "route %s: letter %s at offset %d: %s", o.Name, l.id, l.record.Offset, what)
			}
		}
		for _, l := range o.letters {
			if m := l.message; m != nil && l.class == classUntrusted {
				v.add("I5", "wrong class", "route %s: letter %s of the good message %s is of class untrusted", o.Name, l.id, m.id)
			}
			if m := l.message; m != nil && l == m.letters[0] {
				v.checkOne(o, m)
			}
		}
	}
	v.checkBoth(r)
}

// checkOne counts the letters of one message that nobody has decided.
func (v *verdict) checkOne(o *route, c *carried) {
	var ids []string
	for _, l := range c.letters {
		if !l.resolved {
			ids = append(ids, l.id)
		}
	}
	if len(ids) > 1 {
		v.add("I5", "dead letter double", "route %s: message %s has the letters %s", o.Name, c.id, strings.Join(ids, " and "))
	}
}

// checkBoth finds messages that have an effect and a letter that says there is
// none.
func (v *verdict) checkBoth(r *run) {
	for _, m := range r.messages {
		for _, w := range m.wants {
			o := r.routes[w.Route]
			if len(w.effects) == 0 || o == nil {
				continue
			}
			for _, c := range r.carriers(o, w) {
				if i := slices.IndexFunc(c.letters, (*letter).excludes); i >= 0 {
					v.add("I5", "both", "%s came to %s, and to letter %s of class %s", m, w, c.letters[i].id, c.letters[i].class)
				}
			}
		}
	}
}

// incomplete says what a letter lacks, or where it differs from its original.
func (l *letter) incomplete(r *run, o *route) (what []string) {
	h := l.record.Headers
	for _, name := range letterHeaders {
		if h[name] == "" {
			what = append(what, "header "+name+" is missing")
		}
	}
	if len(what) > 0 {
		return what
	}
	if !slices.Contains([]string{classUntrusted, classRejected, classUncertain, classEffectDone}, l.class) {
		what = append(what, "its class is unknown")
	}
	if h["hub_holds"] != "false" && (h["hub_holds"] != "true" || l.class == classUntrusted) {
		what = append(what, "whether it holds its key does not go with its class")
	}
	if first := o.byID[l.id]; identityOf(first.record) != identityOf(l.record) {
		what = append(what, "its id is that of another message's letter")
	}
	if h["hub_route"] != o.Name {
		what = append(what, "it names another route")
	}
	if !l.known || !slices.Contains(o.Sources, l.origin.topic) {
		return append(what, "it does not say from which place of which source it came")
	}
	original := r.at(l.origin)
	switch {
	case r.Remade[l.origin.topic] && (original == nil || identityOf(original) != identityOf(l.record)):
		// The original went with the topic.
	case original == nil:
		what = append(what, "there is no record where it says that it came from")
	case !bytes.Equal(original.Key, l.record.Key):
		what = append(what, "its key is not the original's")
	case !bytes.Equal(original.Value, l.record.Value):
		what = append(what, "its value is not the original's")
	case !sameHeaders(original.Headers, h):
		what = append(what, "its headers are not the original's")
	}
	return what
}

// sameHeaders compares headers without those that the hub adds.
func sameHeaders(a, b map[string]string) bool {
	n := 0
	for k, x := range a {
		if strings.HasPrefix(k, "hub_") {
			continue
		}
		n++
		if y, ok := b[k]; !ok || x != y {
			return false
		}
	}
	for k := range b {
		if !strings.HasPrefix(k, "hub_") {
			n--
		}
	}
	return n == 0
}

// at returns the record at a place; nil if there is none.
func (r *run) at(p place) *Record {
	if r.places == nil {
		r.places = map[place]*Record{}
		for _, o := range r.list {
			for _, topic := range o.Sources {
				for i := range r.Records[topic] {
					rec := &r.Records[topic][i]
					r.places[place{rec.Topic, rec.Partition, rec.Offset}] = rec
				}
			}
		}
	}
	return r.places[p]
}
