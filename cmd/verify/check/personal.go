package check

import (
	"maps"
	"os"
	"slices"
	"strings"
)

// checkPersonal is I11: what is known of the persons of a run may be in the
// messages and nowhere else.
func (v *verdict) checkPersonal(h *History) {
	s := newSearcher(h.Personal)
	if s == nil {
		return
	}
	for _, w := range h.Writings {
		n, at, err := searchFile(s, w.Path)
		switch {
		case err != nil:
			v.add("I11", "unreadable", "%s could not be searched", w.Name)
		case n > 0:
			v.addTimes(n, "I11", "personal data", "%s: %d times, first at byte %d", w.Name, n, at)
		}
		v.Personal += n
	}
	for _, key := range slices.Sorted(maps.Keys(h.Redis)) {
		if value := h.Redis[key]; strings.HasPrefix(value, "d|") && s.in(value) {
			v.Personal++
			v.add("I11", "personal data", "Redis key %s, a finished claim", key)
		}
	}
	for _, c := range h.Routes {
		for _, topic := range []string{c.Name + ".parked", c.Name + ".dead"} {
			for i := range h.Records[topic] {
				v.checkHeaders(s, &h.Records[topic][i])
			}
		}
	}
}

// checkHeaders searches what the hub has added to a record.
func (v *verdict) checkHeaders(s *searcher, rec *Record) {
	for _, name := range slices.Sorted(maps.Keys(rec.Headers)) {
		if strings.HasPrefix(name, "hub_") && s.in(rec.Headers[name]) {
			v.Personal++
			v.add("I11", "personal data", "header %s of %s/%d offset %d", name, rec.Topic, rec.Partition, rec.Offset)
		}
	}
}

func searchFile(s *searcher, path string) (n int, at int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	return s.search(f)
}
