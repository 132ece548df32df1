package control

import (
	"context"
	"fmt"
	"strings"

	"github.com/segmentio/kafka-go"

	"kandashub/topics"
)

// An AuditFault is the first record of an audit that is not as it was written.
type AuditFault struct {
	Writer string // empty where the record does not say
	Seq    int
	Offset int64 // in hub.audit; -1 where it is not known
	What   string
}

func (f *AuditFault) Error() string {
	var b strings.Builder
	b.WriteString("audit: ")
	if f.Writer != "" {
		fmt.Fprintf(&b, "record %d of writer %s ", f.Seq, f.Writer)
	} else {
		b.WriteString("a record ")
	}
	if f.Offset >= 0 {
		fmt.Fprintf(&b, "(at or before offset %d) ", f.Offset)
	}
	return b.String() + f.What
}

// VerifyAudit checks the chains of records in the order in which they were read.
// Its error is an *AuditFault, which names the first record that was changed, is
// missing or out of order. Records that stand twice next to their chain are one:
// a write whose answer was lost is repeated.
func VerifyAudit(records []AuditRecord) error {
	chains := newChains()
	for _, r := range records {
		chains.take(r)
	}
	return chains.verdict()
}

// chains are the chains of an audit as far as it has been read: for each process
// that ever wrote to it, a name and the last hash, some 200 bytes.
type chains struct {
	ends  map[string]chainEnd // by writer
	next  int64               // offset that follows
	fault *AuditFault         // the first
}

type chainEnd struct {
	seq  int
	hash string
}

func newChains() chains { return chains{ends: map[string]chainEnd{}} }

func (c *chains) verdict() error {
	if c.fault == nil {
		return nil
	}
	return c.fault
}

// take checks the record that follows. After a fault nothing is certain any more.
func (c *chains) take(r AuditRecord) {
	if c.fault != nil {
		return
	}
	fault := func(seq int, what string) { c.fault = &AuditFault{r.Writer, seq, r.offset, what} }
	if r.offset >= 0 && r.offset != c.next {
		fault(r.Seq, "does not follow upon the one before it in the topic: records are missing between them")
		return
	}
	c.next = r.offset + 1
	if r.Type == "" {
		fault(0, "cannot be read")
		return
	}
	hash, err := hashOf(r.written)
	if err != nil || hash != r.Hash {
		fault(r.Seq, "was changed")
		return
	}
	last := c.ends[r.Writer]
	switch {
	case r.Seq == last.seq && r.Hash == last.hash:
	case r.Seq > last.seq+1:
		fault(last.seq+1, "is missing")
	case r.Seq <= last.seq:
		fault(r.Seq, "is out of order")
	case r.Prev != last.hash:
		fault(r.Seq, "does not follow upon the one before it: one of the two was replaced")
	default:
		c.ends[r.Writer] = chainEnd{r.Seq, r.Hash}
	}
}

// An AuditReader reads hub.audit on from where it was, and checks it as VerifyAudit
// does. It keeps no records. It is for one goroutine.
type AuditReader struct {
	journal journal
	next    int64 // offset to read; -1: from the first
	count   int
	chains  chains
}

// NewAuditReader returns a reader that has read nothing yet.
func NewAuditReader(cluster *topics.Cluster) *AuditReader {
	return &AuditReader{journal: journal{cluster, AuditTopic}, next: -1, chains: newChains()}
}

// Read hands each record that has not been read yet to take, up to the end as it is
// now, and stops at take's error. Records that cannot be read are among them. An
// error that is kafka.OffsetOutOfRange says that the topic was made again: a new
// reader reads it.
func (a *AuditReader) Read(ctx context.Context, take func(AuditRecord) error) error {
	first, end, err := a.journal.bounds(ctx)
	if err != nil {
		return err
	}
	if a.next < 0 {
		a.next = first
	}
	if a.next > end {
		return fmt.Errorf("reading %s at %d: %w", a.journal.topic, a.next, kafka.OffsetOutOfRange)
	}
	a.next, err = a.journal.each(ctx, a.next, end, func(n note) error {
		r, _ := DecodeAudit(n.value) // the chains say what is wrong
		r.offset = n.offset
		a.count++
		a.chains.take(r)
		return take(r)
	})
	return err
}

// Count returns how many records have been read.
func (a *AuditReader) Count() int { return a.count }

// Fault returns the first record so far that is not as it was written, an
// *AuditFault; nil if there is none.
func (a *AuditReader) Fault() error { return a.chains.verdict() }

// ReadAudit returns all of hub.audit, in the order of the topic. Records that
// cannot be read are among them; VerifyAudit names them.
func ReadAudit(ctx context.Context, cluster *topics.Cluster) ([]AuditRecord, error) {
	return readAudit(ctx, NewAuditReader(cluster))
}

func readAudit(ctx context.Context, a *AuditReader) (records []AuditRecord, err error) {
	err = a.Read(ctx, func(r AuditRecord) error {
		records = append(records, r)
		return nil
	})
	return records, err
}
