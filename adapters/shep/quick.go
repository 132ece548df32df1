package shep

import (
	"bytes"
	"slices"
)

// quick reads the texts of response's own elements out of an answer, in one
// pass and without a tree: Envelope, Body, wrapper, response, by local names.
// It knows only plain XML (see scanner) and answers that hold what they
// should. Of anything else it says ok=false: no comments, CDATA, faults,
// elements twice and so on. Then open and reader decide, which read whatever
// quick reads, and read the same: FuzzQuick holds that.
func quick(doc []byte, wrapper string, names []string) (texts []string, ok bool) {
	var s scanner
	if !s.load(doc) {
		return nil, false
	}
	path := [...]string{"Envelope", "Body", wrapper, "response"}
	on, done := 0, 0 // how much of the path is open now, and was ever open
	field := -1      // which of the names is open
	texts = make([]string, len(names))
	found := make([]bool, len(names))
	for {
		switch kind, b := s.next(); kind {
		case startTag:
			outer := s.depth - 1
			switch {
			case field >= 0:
				return nil, false // elements in a text
			case outer > on: // below one that does not count
			case on < len(path) && string(b) == path[on]:
				if done > on {
					return nil, false // a second one
				}
				on++
				done++
			case on == 0, on == 2:
				return nil, false // no envelope, or something else in its Body
			case on == len(path):
				if field = slices.Index(names, string(b)); field >= 0 {
					if found[field] {
						return nil, false
					}
					found[field] = true
				}
			}
		case endTag:
			on = min(on, s.depth)
			field = -1
		case text:
			if field >= 0 {
				if bytes.ContainsAny(b, "&\r") {
					return nil, false
				}
				texts[field] = string(bytes.TrimSpace(b))
			}
		case end:
			return texts, done == len(path)
		default:
			return nil, false
		}
	}
}
