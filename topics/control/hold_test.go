package control_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kandashub/topics/control"
	"kandashub/topics/servertest"
)

// Nobody pauses a route or holds a breaker for so long that it is forgotten, whatever
// program is used; only a pause may have no end.
func TestNothingIsHeldForTooLong(t *testing.T) {
	a := servertest.Unique("r")
	d := newDesk(t, servertest.Brokers(t), a)
	ctx := t.Context()
	for _, wrong := range []time.Duration{-time.Second, control.LongestHold + time.Second} {
		d.refused(d.Pause(ctx, order, a, wrong), "")
		d.refused(d.Drain(ctx, order, a, wrong, control.Quiet{}), "")
		d.refused(d.ForceBreaker(ctx, order, a, control.ForceOpen, wrong), "")
	}
	d.refused(d.ForceBreaker(ctx, order, a, control.ForceClosed, 0), "say how long")
	d.caught(d.Store)
	same(t, d.Store.State(), control.State{})
	d.must(d.ForceBreaker(ctx, order, a, control.ForceOpen, control.LongestHold))
	d.must(d.Pause(ctx, order, a, 0))
}

// Who asked from where, until when it holds and what it was like before is on record.
func TestAuditTellsFromUntilAndBefore(t *testing.T) {
	a := servertest.Unique("r")
	d := newDesk(t, servertest.Brokers(t), a)
	ctx := t.Context()
	from := func(address string) control.Order { return control.Order{Who: "duty", Why: "a test", From: address} }
	d.must(d.Pause(ctx, from("10.0.0.7:51234"), a, time.Hour))
	d.must(d.Pause(ctx, from("::ffff:10.0.0.8"), a, 0))
	d.must(d.Resume(ctx, from("[2001:db8::1]:443"), a))
	d.must(d.ForceBreaker(ctx, from("applicant 990101200017"), a, control.ForceOpen, time.Hour))
	d.must(d.ForceBreaker(ctx, order, a, control.ForceClosed, time.Hour))
	d.must(d.ReleaseBreaker(ctx, order, a))
	records, err := control.ReadAuditOf(ctx, d.cluster, d.audit)
	if err != nil {
		t.Fatal(err)
	}
	s := schema(t, "audit.v1.json")
	var got []string
	for _, r := range records {
		obeys(t, s, r.Written())
		until := "no end"
		if !r.Until.IsZero() {
			until = "an hour"
			if left := r.Until.Sub(r.Time); left > time.Hour || left < 59*time.Minute {
				t.Errorf("%s ends in %s", r.Action, left)
			}
		}
		got = append(got, strings.Join([]string{r.Action, r.Result, r.From, until, r.Before}, "|"))
	}
	want := []string{
		"pause route|asked|10.0.0.7|an hour|", "pause route|done|10.0.0.7|an hour|running",
		"pause route|asked|10.0.0.8|no end|", "pause route|done|10.0.0.8|no end|paused",
		"resume route|asked|2001:db8::1|no end|", "resume route|done|2001:db8::1|no end|paused",
		"force breaker open|asked||an hour|", "force breaker open|done||an hour|by itself",
		"force breaker closed|asked||an hour|", "force breaker closed|done||an hour|held open",
		"release breaker|asked||no end|", "release breaker|done||no end|held closed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("on record (-want +got):\n%s", diff)
	}
	if err := control.VerifyAudit(records); err != nil {
		t.Error(err)
	}
}

// Records from before there was more to tell are whole as they stand.
func TestOldAuditRecordsVerify(t *testing.T) {
	var records []control.AuditRecord
	for _, written := range []string{
		`{"type":"audit.v1","time":"2026-03-02T11:00:00.123456789Z","writer":"0d5b9b6e-6f0e-4f3a-9a51-0d9a7c1c2b3d","seq":1,"request":"r-1","actor":"duty","action":"pause route","object":"register","reason":"maintenance <of> kandas","result":"asked","prev":"","hash":"7c82a21bb2f0616a4d48771871be56693c98eb1d2658e23b8e27b3af12851ec9"}`,
		`{"type":"audit.v1","time":"2026-03-02T11:00:00.123456789Z","writer":"0d5b9b6e-6f0e-4f3a-9a51-0d9a7c1c2b3d","seq":2,"request":"r-1","actor":"duty","action":"pause route","object":"register","reason":"maintenance <of> kandas","result":"done","prev":"7c82a21bb2f0616a4d48771871be56693c98eb1d2658e23b8e27b3af12851ec9","hash":"248e403eb13b24a170b1019c2cde606b0190d1976daac0cb8afcb8dc66610db0"}`,
	} {
		r, err := control.DecodeAudit([]byte(written))
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	if err := control.VerifyAudit(records); err != nil {
		t.Error(err)
	}
}
