package intake_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/contract"
)

// What any of the doors takes over is a message that its reader trusts, and that
// comes out of the topic as it went in.
func FuzzAccept(f *testing.F) {
	h, k := open(f)
	c, err := contract.Load()
	if err != nil {
		f.Fatal(err)
	}
	body := []byte(sample(f, requestType))
	f.Add("id-1", requestType, requestID, int64(1_763_613_000), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", body)
	f.Add("id 1", "", requestID, int64(253_402_300_800), "00-00", body) // in the year 10000
	f.Add("", requestType, "statecorp 1", int64(-1)<<62, "", []byte(`{}`))
	f.Fuzz(func(t *testing.T, id, ceType, subject string, at int64, trace string, data []byte) {
		k.published = nil
		m := topics.Message{ID: id, Type: ceType, Source: "statecorp", Subject: subject, Time: time.Unix(at, 0), Data: data}
		m.Trace, _ = observability.ParseTrace(trace)
		if err := h.Accept(context.Background(), "statecorp", requestTopic, m); err != nil {
			var failure *topics.Failure
			if !errors.As(err, &failure) || failure.Class != topics.Rejected || len(k.published) > 0 {
				t.Fatalf("refused by %v, published %d", err, len(k.published))
			}
			return
		}
		if len(k.published) != 1 {
			t.Fatalf("taken over, but %d messages", len(k.published))
		}
		trusted(t, c, k.published[0])
	})
}

// trusted says whether the reader of a topic acts on what was published.
func trusted(t *testing.T, c *contract.Contract, p published) {
	t.Helper()
	m := p.Message
	got, err := topics.Parse(&topics.Record{Key: []byte(m.Subject), Value: m.Data, Headers: m.Headers()})
	if err != nil {
		t.Fatalf("taken over, but distrusted: %v", err)
	}
	m.Time, m.RootTime = m.Time.UTC(), m.Time.UTC()
	if d := cmp.Diff(m, got, sameTrace); d != "" {
		t.Fatalf("another message: %s", d)
	}
	if err := c.Check(p.Topic, got); err != nil {
		t.Fatalf("taken over, but not within the contract: %v", err)
	}
}

// Whatever a proxy or a foreign client puts into the headers, the answer is 202
// with one trusted message of the token's owner, or a problem with none.
func FuzzHeaders(f *testing.F) {
	h, k := open(f)
	c, err := contract.Load()
	if err != nil {
		f.Fatal(err)
	}
	v := valid(f)
	owners := map[string]string{requestTopic: "statecorp", "migration.applications": "migration"}
	places := []string{requestTopic, "migration.applications", "kandas.events", "gbdfl.lookups", "none", "*"}
	f.Add("Bearer "+corpToken, uint8(0), "statecorp", requestType, "id-1", "2026-11-20T09:30:00+05:00", "")
	f.Add("bearer "+migrationToken, uint8(1), "migration", formType, "%41", "0000-01-01T00:00:00+14:00", "gzip")
	f.Add("Basic x", uint8(4), "hub", "%", "\x7f", "9999-12-31T23:59:59-23:59", "identity")
	f.Fuzz(func(t *testing.T, authorization string, place uint8, source, ceType, id, at, encoding string) {
		k.published = nil
		topic := places[int(place)%len(places)]
		call := v.with("Authorization", authorization, "ce-source", source, "ce-type", ceType, "ce-id", id, "ce-time", at, "Content-Encoding", encoding)
		call.token, call.path = "", "/v1/topics/"+topic+"/events"
		w := call.send(h)
		if w.Code != http.StatusAccepted {
			if p := problemIn(t, w); p.Status != w.Code || len(k.published) > 0 {
				t.Fatalf("got %d %s, published %d", w.Code, w.Body, len(k.published))
			}
			return
		}
		tokens := map[string]string{"statecorp": corpToken, "migration": migrationToken}
		if len(k.published) != 1 || k.published[0].Topic != topic || source != owners[topic] || !strings.HasSuffix(authorization, " "+tokens[source]) {
			t.Fatalf("202 to %q of %q for %+v", authorization, source, k.published)
		}
		trusted(t, c, k.published[0])
	})
}
