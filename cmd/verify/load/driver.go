package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"kandashub/cmd/verify/check"
)

// A Driver sends a plan. It uses another Kafka client than the hub, which tries
// until a record is written: what it was told in between does not matter to the
// systems that send, either.
type Driver struct {
	client   *kgo.Client
	messages []planned
	personal []string
	rate     float64
	fresh    bool

	mu      sync.Mutex // guards the sends' outcomes, and acked
	acked   []int      // messages in the order of their acknowledgement
	pending sync.WaitGroup

	end atomic.Int64 // how many messages are sent
}

// NewDriver makes the messages of a plan. rate is how many are sent each second;
// zero means as many as Kafka takes.
func NewDriver(p Plan, rate float64, client *kgo.Client) *Driver {
	d := &Driver{client: client, rate: rate, fresh: p.Fresh}
	d.messages, d.personal = p.messages()
	d.end.Store(int64(len(d.messages)))
	return d
}

// Enough has Run end early: once so many messages are sent, or now if they are.
func (d *Driver) Enough(messages int) { d.end.Store(int64(min(messages, len(d.messages)))) }

// Personal returns what is said of people in the messages.
func (d *Driver) Personal() []string { return d.personal }

// Acked returns what has been written, but for the first n of it.
func (d *Driver) Acked(n int) (sends []check.Send) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, i := range d.acked[min(n, len(d.acked)):] {
		sends = append(sends, d.messages[i].send)
	}
	return sends
}

// Written is how many messages have been acknowledged.
func (d *Driver) Written() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.acked)
}

// Total is how many messages there are to send.
func (d *Driver) Total() int { return len(d.messages) }

// Wants is how many effects everything must come to.
func (d *Driver) Wants() (n int) {
	for _, m := range d.messages {
		for _, w := range m.send.Wants {
			if !w.Optional {
				n++
			}
		}
	}
	return n
}

// Run sends everything, or Enough of it, and returns when it is written, or ctx ends.
func (d *Driver) Run(ctx context.Context) error {
	began := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for i := 0; int64(i) < d.end.Load(); i++ {
		for d.rate > 0 && float64(i) >= time.Since(began).Seconds()*d.rate {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		d.produce(ctx, i)
	}
	written := make(chan struct{})
	go func() {
		d.pending.Wait()
		close(written)
	}()
	select {
	case <-written:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// produce hands one record to the client, which keeps the order of a partition.
func (d *Driver) produce(ctx context.Context, i int) {
	m := &d.messages[i]
	if d.fresh {
		without(m.record, "ce_time")
		with(m.record, "ce_time", time.Now().UTC().Format(time.RFC3339Nano))
	}
	d.mu.Lock()
	m.send.At, m.send.Outcome, m.send.Offset, m.send.Partition = time.Now(), check.Unknown, -1, -1
	d.mu.Unlock()
	d.pending.Add(1)
	d.client.Produce(ctx, m.record, func(r *kgo.Record, err error) {
		defer d.pending.Done()
		d.mu.Lock()
		defer d.mu.Unlock()
		m.send.Done = time.Now()
		if err != nil {
			return // perhaps written
		}
		m.send.Outcome, m.send.Partition, m.send.Offset = check.Acked, int(r.Partition), r.Offset
		d.acked = append(d.acked, i)
	})
}

// Sends returns what has been sent so far, with what is known of it.
func (d *Driver) Sends() []check.Send {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []check.Send
	for _, m := range d.messages {
		if !m.send.At.IsZero() {
			out = append(out, m.send)
		}
	}
	return out
}
