package inspect_test

import (
	"testing"

	"kandashub/topics"
	"kandashub/topics/inspect"
	"kandashub/topics/servertest"
)

// What no route has finished is found for its application alone, whether or not a
// hub runs, and no more once it is finished.
func TestUnfinished(t *testing.T) {
	s := newSite(t)
	look := func() (ids []string) {
		t.Helper()
		found, whole, err := inspect.UnfinishedOf(t.Context(), s.cluster, "app-1", s.route, topics.Route{Name: "other", Sources: s.route.Sources})
		if err != nil || !whole {
			t.Fatalf("all of it: %t, %v", whole, err)
		}
		for _, o := range found {
			if o.Result != topics.ResultNone || o.Application != "app-1" || o.Source != "test" || o.Written.IsZero() {
				t.Errorf("%+v", o)
			}
			if o.Route == s.route.Name {
				ids = append(ids, o.ID)
			}
		}
		return ids
	}
	s.send("app-1", 1, 2)
	s.send("app-2", 1)
	if ids := look(); len(ids) != 2 || ids[0] != "app-1-1" || ids[1] != "app-1-2" {
		t.Errorf("before a hub has run: %q", ids)
	}
	s.start()
	servertest.Eventually(t, "all is finished", func() bool { return len(look()) == 0 })
	s.down.Store(true)
	s.send("app-1", 3)
	if ids := look(); len(ids) != 1 || ids[0] != "app-1-3" {
		t.Errorf("while the system is down: %q", ids)
	}
	s.down.Store(false)
	servertest.Eventually(t, "all is finished again", func() bool { return len(look()) == 0 })
}
