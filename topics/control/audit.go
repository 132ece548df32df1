package control

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"kandashub/topics"
)

// The results of a step of a command.
const (
	Asked   = "asked"   // before it takes effect
	Done    = "done"    // it took effect
	Refused = "refused" // a rule forbids it; it took no effect
	Failed  = "failed"  // it may have taken effect in part
)

// How operators had a route or its breaker before a command. What a hub had paused by
// itself is not told.
const (
	BeforeRunning    = "running"     // nobody had paused the route
	BeforePaused     = "paused"      // an operator had
	BeforeHeldOpen   = "held open"   // the breaker
	BeforeHeldClosed = "held closed" // the breaker
	BeforeByItself   = "by itself"   // nobody held the breaker
)

const typeAudit = "audit.v1"

// An AuditRecord is one step of a command. Writer, Seq, Prev and Hash are given
// by the Audit that writes it.
type AuditRecord struct {
	Type    string    `json:"type"`
	Time    time.Time `json:"time"`
	Writer  string    `json:"writer"`
	Seq     int       `json:"seq"`
	Request string    `json:"request"` // the same for all steps of one command
	Actor   string    `json:"actor"`
	From    string    `json:"from,omitempty"` // IP address of who asked, where it came over a network
	Action  string    `json:"action"`
	Object  string    `json:"object"`
	Until   time.Time `json:"until,omitzero"`   // end of what is asked for; zero: it has none
	Before  string    `json:"before,omitempty"` // how operators had it before, as the Before constants say; of the end of a command alone
	Reason  string    `json:"reason"`
	Result  string    `json:"result"`
	Detail  string    `json:"detail,omitempty"`
	Prev    string    `json:"prev"`
	Hash    string    `json:"hash"`

	offset  int64  // in hub.audit; -1 where it was read from elsewhere
	written []byte // as it stands there
}

// Written returns the record as it was written, on one line.
func (r AuditRecord) Written() []byte { return r.written }

// An Audit writes to hub.audit. Its records form a chain: each holds the hash of
// the one before, so that none can be changed or taken out of the middle. What
// no chain can show is that its last records are missing: an "asked" without an
// end is all that tells of it, and the topic's offsets.
type Audit struct {
	journal  journal
	producer *topics.Producer

	mu     sync.Mutex
	writer string
	seq    int
	last   string // hash of the record before
}

// NewAudit returns an Audit with a chain of its own.
func NewAudit(cluster *topics.Cluster, producer *topics.Producer) *Audit {
	return &Audit{journal: journal{cluster, AuditTopic}, producer: producer, writer: uuid.NewString()}
}

// Write appends a record and returns once all in-sync replicas have it. After an
// error it may be there or not, so the next one begins a new chain.
func (a *Audit) Write(ctx context.Context, r AuditRecord) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	r.Type, r.Writer, r.Seq, r.Prev, r.Hash = typeAudit, a.writer, a.seq+1, a.last, ""
	r.Time = time.Now().UTC()
	unsigned, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if r.Hash, err = hashOf(unsigned); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	written, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if err := a.journal.write(ctx, a.producer, []byte(r.Writer), written); err != nil {
		a.writer, a.seq, a.last = uuid.NewString(), 0, ""
		return fmt.Errorf("audit: %w", err)
	}
	a.seq, a.last = r.Seq, r.Hash
	return nil
}

// hashOf returns the hash of a record: SHA-256 over its JSON without the field
// hash, with sorted names and no spaces. Fields that a later version adds are
// covered too.
func hashOf(written []byte) (string, error) {
	d := json.NewDecoder(bytes.NewReader(written))
	d.UseNumber()
	var fields map[string]any
	if err := d.Decode(&fields); err != nil {
		return "", err
	}
	delete(fields, "hash")
	var canonical bytes.Buffer
	e := json.NewEncoder(&canonical)
	e.SetEscapeHTML(false)
	if err := e.Encode(fields); err != nil {
		return "", err
	}
	sum := sha256.Sum256(bytes.TrimSuffix(canonical.Bytes(), []byte("\n")))
	return hex.EncodeToString(sum[:]), nil
}

// DecodeAudit reads a record as it was written. Of one that cannot be read, only
// Written is set.
func DecodeAudit(written []byte) (AuditRecord, error) {
	var r AuditRecord
	if err := json.Unmarshal(written, &r); err != nil || r.Type != typeAudit {
		return AuditRecord{written: written, offset: -1}, errors.New("no record of version " + typeAudit)
	}
	r.written, r.offset = written, -1
	return r, nil
}
