package outcomes

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/observability"
	"kandashub/topics"
)

const (
	// gather is how long outcomes wait for others to be written with: nobody
	// waits for one, and requests of a few records would cost more than they
	// carry.
	gather = 50 * time.Millisecond

	// writeTime bounds one try to write outcomes, pauseTime lies between two.
	writeTime = 10 * time.Second
	pauseTime = time.Second

	// giveUp is how long hub.outcomes may be out of reach before outcomes are
	// given up.
	giveUp = 10 * time.Minute

	// What one write to a partition carries, at most.
	batchRecords = 500
	batchBytes   = 500_000

	// maxPending bounds what waits to be written, in bytes; more is given up.
	maxPending = 16 << 20
)

// A Writer writes outcomes to hub.outcomes. It is a [topics.Outcomes]: its methods
// may be called by many goroutines at once.
type Writer struct {
	write      func(ctx context.Context, topic string, partition int, records ...kafka.Record) (int64, error)
	partitions int
	metrics    *observability.Metrics
	log        *slog.Logger

	mu       sync.Mutex
	pending  [][]kafka.Record // by partition
	bytes    int              // in pending
	buffer   []byte           // what the next outcomes are encoded into
	reported uint64           // outcomes, ever
	settled  uint64           // of those: written or given up
	writing  bool             // a goroutine writes
	turn     chan struct{}    // closed when settled has risen
	failing  []time.Time      // by partition: since when it cannot be written; zero: it can
}

// NewWriter returns a Writer for a topic of as many partitions. It has a Producer
// of its own, so that no reply waits behind outcomes.
func NewWriter(cluster *topics.Cluster, partitions int, m *observability.Metrics, log *slog.Logger) *Writer {
	return newWriter(topics.NewProducer(cluster, writeTime, m).Append, partitions, m, log)
}

func newWriter(write func(context.Context, string, int, ...kafka.Record) (int64, error), partitions int, m *observability.Metrics, log *slog.Logger) *Writer {
	return &Writer{
		write: write, partitions: partitions, metrics: m, log: log,
		pending: make([][]kafka.Record, partitions), failing: make([]time.Time, partitions), turn: make(chan struct{}),
	}
}

// Report takes an outcome to be written, and does not block.
func (w *Writer) Report(o Outcome) {
	partition := max(o.Partition, 0) % w.partitions
	if o.Application != "" {
		partition = topics.PartitionOf([]byte(o.Application), w.partitions)
	}
	key := keyOf(&o)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reported++
	if w.bytes >= maxPending {
		w.metrics.Outcomes("lost", 1)
	} else {
		r := w.record(key, &o)
		w.bytes += r.Key.Len() + r.Value.Len()
		w.pending[partition] = append(w.pending[partition], r)
	}
	if !w.writing {
		w.writing = true
		go w.run()
	}
}

// record encodes an outcome into the buffer, which many share. w.mu is held.
func (w *Writer) record(key digest, o *Outcome) kafka.Record {
	if cap(w.buffer)-len(w.buffer) < 2048 {
		w.buffer = make([]byte, 0, 64<<10)
	}
	start := len(w.buffer)
	b := key.appendText(w.buffer)
	middle := len(b)
	b = appendJSON(b, o)
	w.buffer = b
	return kafka.Record{Key: kafka.NewBytes(b[start:middle:middle]), Value: kafka.NewBytes(b[middle:len(b):len(b)])}
}

// run writes until nothing is pending.
func (w *Writer) run() {
	for {
		time.Sleep(gather)
		w.mu.Lock()
		pending, upTo := w.pending, w.reported
		if upTo == w.settled {
			w.writing = false
			w.mu.Unlock()
			return
		}
		w.pending, w.bytes = make([][]kafka.Record, w.partitions), 0
		w.mu.Unlock()

		w.writeAll(pending)

		w.mu.Lock()
		w.settled = upTo
		close(w.turn)
		w.turn = make(chan struct{})
		w.mu.Unlock()
	}
}

// writeAll writes records to their partitions, side by side.
func (w *Writer) writeAll(pending [][]kafka.Record) {
	var writing sync.WaitGroup
	for partition, records := range pending {
		for len(records) > 0 {
			n := batch(records)
			part := records[:n]
			records = records[n:]
			writing.Go(func() { w.writePart(partition, part) })
		}
	}
	writing.Wait()
}

// writePart writes records until they are written or given up.
func (w *Writer) writePart(partition int, part []kafka.Record) {
	for {
		_, err := w.write(context.Background(), Topic, partition, part...)
		if err == nil {
			w.failed(partition, false)
			w.metrics.Outcomes("written", len(part))
			return
		}
		if w.failed(partition, true) >= giveUp {
			w.metrics.Outcomes("lost", len(part))
			w.log.Error("outcomes of messages are given up: what became of these will not be found", "count", len(part), "error", err.Error())
			return
		}
		time.Sleep(pauseTime)
	}
}

// failed notes how a write to a partition has ended, and returns for how long all
// writes there have failed.
func (w *Writer) failed(partition int, again bool) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !again:
		w.failing[partition] = time.Time{}
		return 0
	case w.failing[partition].IsZero():
		w.failing[partition] = time.Now()
	}
	return time.Since(w.failing[partition])
}

// batch returns how many of records one write carries.
func batch(records []kafka.Record) (n int) {
	for size := 0; n < min(len(records), batchRecords); n++ {
		if size += records[n].Key.Len() + records[n].Value.Len(); size > batchBytes && n > 0 {
			break
		}
	}
	return n
}

// Mark returns what Flush waits for: all that has been reported so far.
func (w *Writer) Mark() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reported
}

// Flush returns nil once what had been reported at a mark is written or given up.
func (w *Writer) Flush(ctx context.Context, mark uint64) error {
	for {
		w.mu.Lock()
		settled, turn := w.settled, w.turn
		w.mu.Unlock()
		if settled >= mark {
			return nil
		}
		select {
		case <-turn:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
