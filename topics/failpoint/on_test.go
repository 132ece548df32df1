//go:build failpoints

package failpoint

import "testing"

func TestParse(t *testing.T) {
	traps, err := parse("sent@iin-generate:exit:3,claimed:sleep=20ms")
	if err != nil || len(traps) != 2 {
		t.Fatalf("%d traps, %v", len(traps), err)
	}
	if a := traps[0]; a.point != Sent || a.route != "iin-generate" || a.action != "exit" || a.nth != 3 {
		t.Errorf("%+v", a)
	}
	for _, bad := range []string{"sent", "nowhere:exit", "sent:explode", "sent:exit:0", "sent:sleep=long", "sent:exit:1:2"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
