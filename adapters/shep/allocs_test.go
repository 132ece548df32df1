//go:build !race

package shep

import "testing"

// What the hot path allocates, on record. The race detector allocates too.
const (
	encodeAllocs = 4
	decodeAllocs = 3
)

func TestAllocations(t *testing.T) {
	c, m := NewClient(nil, "", Sender{ID: "hub", Password: "p"}, clock), benchRequest()
	if n := testing.AllocsPerRun(100, func() { c.asyncEnvelope(m) }); n > encodeAllocs {
		t.Errorf("writing a request allocates %v times, %d on record", n, encodeAllocs)
	}
	doc := []byte(ackAnswer)
	if n := testing.AllocsPerRun(100, func() { readAck(doc) }); n > decodeAllocs {
		t.Errorf("reading an answer allocates %v times, %d on record", n, decodeAllocs)
	}
}
