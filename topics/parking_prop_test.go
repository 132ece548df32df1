package topics

import (
	"strconv"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// parkedBy is an entry of message number n of source a, as an owner parks it.
func parkedBy(owner uint64, offset, n int64) *Record {
	r := parkedRecord(&Record{Topic: "a", Partition: 0, Offset: n, Key: []byte("k")})
	h := append(r.Headers, kafka.Header{Key: headerOwner, Value: strconv.AppendUint(nil, owner, 36)})
	return &Record{Topic: "r.parked", Offset: offset, Key: []byte("k"), Headers: h}
}

// An owner that does not know yet that it has lost the partition may park a
// message whose predecessors are not finished: it died as a letter that we have
// not read, or waits in our own queue. We read the message from the source, so
// the entry waits until that is finished.
func TestLateEntryOfAnotherOwnerDoesNotOvertake(t *testing.T) {
	for name, tc := range map[string]struct {
		owner           uint64
		offset, message int64
		waits           bool // in the order of the parked topic
	}{
		"another's, late": {2, 3, 7, false},
		"another's, late, not read from the source": {2, 3, 4, true},
		"another's, there when we took over":        {2, 2, 7, true},
		"our own":                                   {1, 3, 7, true},
		"of nobody":                                 {0, 3, 7, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newNotes()
			p.owner, p.parkedEnd = 1, 3
			p.sources = []*stream{{topic: "a", start: 5}}
			p.arriveParked([]*Record{parkedBy(tc.owner, tc.offset, tc.message)})
			l := p.lane("k")
			if got := p.head(l); (got != nil) != tc.waits || !p.parked.tracker.has(tc.offset) {
				t.Fatalf("head %v, unfinished: %v, want %v", got, p.parked.tracker.has(tc.offset), tc.waits)
			}
			if tc.waits {
				return
			}
			source := p.sources[0]
			source.tracker.see(tc.message, time.Time{})
			l.queue = []*entry{{stream: source, offset: tc.message}}
			if got := p.head(l); got != l.queue[0] {
				t.Fatalf("head %v before the source", got)
			}
			l.queue = nil
			if got := p.head(l); got == nil || got.offset != tc.offset {
				t.Fatalf("head %v, want the late entry at last", got)
			}
			p.index.remove("k", tc.offset)
			if p.index.tidy("k"); len(p.index.keys) > 0 {
				t.Error("the key is kept")
			}
		})
	}
}

// A note covers what its writer knew: what lay there when it took over, and its
// own. What the next owner has parked since waits on.
func TestNoteCoversWhatItsWriterKnew(t *testing.T) {
	p := newNotes()
	p.parkedEnd = 100 // all of this lay there when we took over
	for o, owner := range []uint64{1, 2, 1, 3, 2, 2} {
		p.arriveParked([]*Record{parkedBy(owner, int64(o), int64(o))})
	}
	note := controlRecord("k", kindThrough, "hub_offset", "4")
	note.Headers = append(note.Headers, kafka.Header{Key: headerEnd, Value: []byte("2")}, kafka.Header{Key: headerOwner, Value: []byte("2")})
	p.arriveParked([]*Record{{Topic: "r.parked", Offset: 6, Key: []byte("k"), Headers: note.Headers}})
	for o, waits := range []bool{false, false, true, true, false, true} {
		if p.parked.tracker.has(int64(o)) != waits {
			t.Errorf("entry %d waits: %v, want %v", o, !waits, waits)
		}
	}
	whole(t, p)
}
