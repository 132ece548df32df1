package check

import "slices"

// ownState says what the topics and the claims tell of a want's own message.
func (r *run) ownState(w *want) (state, *carried) {
	best, by := missing, (*carried)(nil)
	o := r.routes[w.Route]
	if o == nil {
		return missing, nil
	}
	for _, c := range r.carriers(o, w) {
		if s := o.explain(r, c); s > best || by == nil {
			best, by = s, c
		}
	}
	return best, by
}

// carriers are the messages by which a want comes to a route: the send itself
// where the route reads its topic, else what names the same event.
func (r *run) carriers(o *route, w *want) []*carried {
	if slices.Contains(o.Sources, w.message.send.Topic) {
		if c := o.carried[w.message.identity]; c != nil {
			return []*carried{c}
		}
		return nil
	}
	if w.Event == "" {
		return nil
	}
	var out []*carried
	for _, c := range o.byEvent[w.Event] {
		if c.key == w.message.send.Application {
			out = append(out, c)
		}
	}
	return out
}

// lookBefore explains a want by what stopped on its way: at its own route a
// message that no send accounts for, one for each want; at a route before it,
// one for all that would have followed.
func (r *run) lookBefore(w *want, taken map[*carried]bool) {
	own := r.routes[w.Route]
	if own == nil {
		return
	}
	if w.by == nil {
		for _, c := range own.byApp[w.message.send.Application] {
			if r.sent[c.identity] == nil && !taken[c] && r.raise(w, own, c) {
				taken[c] = true
				return
			}
		}
	}
	for _, o := range r.before(own, w.message.send.Topic) {
		for _, c := range r.passing(o, w) {
			if r.raise(w, o, c) {
				return
			}
		}
	}
}

// raise takes over what c explains, if that is more than is known, and says
// whether it explains the want.
func (r *run) raise(w *want, o *route, c *carried) bool {
	if s := o.explain(r, c); s > w.state {
		w.state, w.by = s, c
	}
	return w.state >= waiting
}

// passing are the messages at a route before the want's own from which the want
// may have had to follow.
func (r *run) passing(o *route, w *want) []*carried {
	if direct := r.carriers(o, w); direct != nil {
		return direct
	}
	var out []*carried
	for _, c := range o.byApp[w.message.send.Application] {
		if r.sent[c.identity] == nil && (c.event == "" || w.Event == "") {
			out = append(out, c)
		}
	}
	return out
}

// before returns the routes through which a message of a topic comes to a route.
func (r *run) before(own *route, topic string) []*route {
	if slices.Contains(own.Sources, topic) {
		return nil
	}
	out := slices.Clone(r.readers[topic])
	for next := []*route{own}; len(next) > 0; next = next[1:] {
		for _, o := range r.list {
			if o != own && !slices.Contains(out, o) && leadsTo(o, next[0]) {
				out = append(out, o)
				next = append(next, o)
			}
		}
	}
	return out
}

func leadsTo(a, b *route) bool {
	return slices.ContainsFunc(a.Writes, func(t string) bool { return slices.Contains(b.Sources, t) })
}
