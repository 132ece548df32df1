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

// carriers are the messages by which a want comes to a route, or passes it: the
// send itself where the route reads its topic, and what names the want's id, its
// event or the send.
func (r *run) carriers(o *route, w *want) []*carried {
	var out []*carried
	if slices.Contains(o.Sources, w.message.send.Topic) {
		if c := o.carried[w.message.identity]; c != nil {
			out = append(out, c)
		}
	}
	for i, name := range [...]string{w.ID, w.Event, w.message.id} {
		if name == "" || i == 2 && name == w.Event {
			continue
		}
		for _, c := range o.byName[name] {
			if c.key == w.message.send.Application && !slices.Contains(out, c) {
				out = append(out, c)
			}
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
			if r.nameless(c) && !taken[c] && r.raise(w, own, c) {
				taken[c] = true
				return
			}
		}
	}
	for _, o := range r.before(own, w) {
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

// nameless says whether nothing tells from which send a message came.
func (r *run) nameless(c *carried) bool { return r.sent[c.identity] == nil && c.about == "" }

// passing are the messages at a route before the want's own from which the want
// may have had to follow.
func (r *run) passing(o *route, w *want) []*carried {
	out := r.carriers(o, w)
	for _, c := range o.byApp[w.message.send.Application] {
		if r.nameless(c) && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// before returns the routes through which a want comes to its own: as it says
// itself, or else as the routes' topics tell.
func (r *run) before(own *route, w *want) []*route {
	var out []*route
	if len(w.Upstream) > 0 {
		for _, name := range w.Upstream {
			if o := r.routes[name]; o != nil {
				out = append(out, o)
			}
		}
		return out
	}
	if slices.Contains(own.Sources, w.message.send.Topic) {
		return nil
	}
	out = slices.Clone(r.readers[w.message.send.Topic])
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
