package outcomes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/segmentio/kafka-go"

	"kandashub/observability"
	"kandashub/topics"
)

// book is a topic that the test plays.
type book struct {
	mu      sync.Mutex
	takes   time.Duration // one write
	fails   error
	records map[int][]Outcome // by partition
	writes  int
	largest int
}

func (b *book) write(_ context.Context, topic string, partition int, records ...kafka.Record) (int64, error) {
	time.Sleep(b.takes)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.writes++
	size := 0
	for _, r := range records {
		key, value := again(r.Key), again(r.Value)
		size += len(key) + len(value)
		e, ok := readEntry(key, value)
		if !ok || e.key != keyOf(&e.outcome) || topic != Topic {
			return 0, errors.New("what is written cannot be read")
		}
		if b.fails == nil {
			b.records[partition] = append(b.records[partition], e.outcome)
		}
	}
	b.largest = max(b.largest, size)
	return 0, b.fails
}

// again reads what an earlier try may have read.
func again(b kafka.Bytes) []byte {
	if s, ok := b.(io.Seeker); ok {
		if _, err := s.Seek(0, io.SeekStart); err != nil {
			panic(err)
		}
	}
	content, err := kafka.ReadAll(b)
	if err != nil {
		panic(err)
	}
	return content
}

func newBook() *book { return &book{takes: time.Second, records: map[int][]Outcome{}} }

func (b *book) all() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, records := range b.records {
		n += len(records)
	}
	return n
}

func message(application string, n int) Outcome {
	o := full()
	o.Application, o.ID, o.Offset, o.Result = application, fmt.Sprint(application, "-", n), int64(n), topics.ResultDelivered
	return o
}

func TestFlushWaitsForWhatWasReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Minute) // the writer ends by itself
		b := newBook()
		w := newWriter(b.write, 4, nil, slog.New(slog.DiscardHandler))
		if err := w.Flush(t.Context(), w.Mark()); err != nil {
			t.Errorf("nothing was reported, and Flush says %v", err)
		}
		for n := range 100 {
			for a := range 10 {
				w.Report(message(fmt.Sprint("egov-", a), n))
			}
		}
		hasty, cancel := context.WithTimeout(t.Context(), b.takes/2)
		defer cancel()
		if err := w.Flush(hasty, w.Mark()); !errors.Is(err, context.DeadlineExceeded) || b.all() != 0 {
			t.Errorf("Flush says %v before anything is written", err)
		}
		if err := w.Flush(t.Context(), w.Mark()); err != nil || b.all() != 1000 {
			t.Errorf("Flush says %v with %d written", err, b.all())
		}
		if b.writes > 8 {
			t.Errorf("1000 outcomes took %d writes", b.writes)
		}
		for p, records := range b.records {
			last := map[string]int64{}
			for _, o := range records {
				if topics.PartitionOf([]byte(o.Application), 4) != p {
					t.Errorf("%s lies in partition %d", o.Application, p)
				}
				if before, ok := last[o.Application]; ok && o.Offset <= before {
					t.Errorf("%s: %d comes after %d", o.Application, o.Offset, before)
				}
				last[o.Application] = o.Offset
			}
		}
	})
}

// TestAnOutageLosesNothing: what cannot be written now is written later.
func TestAnOutageLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Minute) // the writer ends by itself
		b := newBook()
		b.fails = errors.New("no leader")
		w := newWriter(b.write, 4, nil, slog.New(slog.DiscardHandler))
		for n := range 1000 {
			w.Report(message(fmt.Sprint("egov-", n%10), n))
			time.Sleep(200 * time.Millisecond)
		}
		b.mu.Lock()
		b.fails = nil
		b.mu.Unlock()
		if err := w.Flush(t.Context(), w.Mark()); err != nil || b.all() != 1000 {
			t.Errorf("Flush says %v with %d of 1000 written", err, b.all())
		}
	})
}

// TestWhatIsReportedMeanwhileGoesNext: a write that is under way holds nobody up,
// and Flush waits for no more than what it was asked for.
func TestWhatIsReportedMeanwhileGoesNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Minute) // the writer ends by itself
		b := newBook()
		w := newWriter(b.write, 1, nil, slog.New(slog.DiscardHandler))
		began := time.Now()
		w.Report(message("egov-1", 0))
		time.Sleep(gather + b.takes/2) // the write is under way
		w.Report(message("egov-1", 1))
		w.Report(message("egov-1", 2))
		if err := w.Flush(t.Context(), w.Mark()); err != nil || b.all() != 3 || b.writes != 2 {
			t.Errorf("Flush says %v with %d written by %d writes", err, b.all(), b.writes)
		}
		if took, want := time.Since(began), 2*(gather+b.takes); took != want {
			t.Errorf("it took %s, want %s", took, want)
		}
	})
}

func TestWhatCannotBeWrittenIsGivenUpAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Minute) // the writer ends by itself
		b := newBook()
		b.fails = errors.New("no leader")
		registry := prometheus.NewRegistry()
		var log strings.Builder
		w := newWriter(b.write, 1, observability.NewMetrics(registry), slog.New(slog.NewTextHandler(&log, nil)))
		lost := func(written, lost int) {
			t.Helper()
			want := fmt.Sprintf("# HELP hub_outcomes_total Outcomes of messages reported to hub.outcomes, by what came of the report.\n"+
				"# TYPE hub_outcomes_total counter\nhub_outcomes_total{result=\"lost\"} %d\nhub_outcomes_total{result=\"written\"} %d\n", lost, written)
			if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "hub_outcomes_total"); err != nil {
				t.Error(err)
			}
		}
		w.Report(message("egov-1", 0))
		short, cancel := context.WithTimeout(t.Context(), giveUp-time.Minute)
		defer cancel()
		if err := w.Flush(short, w.Mark()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("outcomes are given up at once: %v", err)
		}
		lost(0, 0)
		if err := w.Flush(t.Context(), w.Mark()); err != nil {
			t.Errorf("commits wait for ever for outcomes: %v", err)
		}
		lost(0, 1)
		// From then on nobody waits for more than one try.
		began := time.Now()
		w.Report(message("egov-1", 0))
		if err := w.Flush(t.Context(), w.Mark()); err != nil || time.Since(began) > b.takes+gather {
			t.Errorf("Flush says %v after %s", err, time.Since(began))
		}
		lost(0, 2)
		if !strings.Contains(log.String(), "given up") || !strings.Contains(log.String(), "no leader") {
			t.Errorf("the log says nothing of it: %s", log.String())
		}
		b.fails = nil
		w.Report(message("egov-1", 1))
		if err := w.Flush(t.Context(), w.Mark()); err != nil || b.all() != 1 {
			t.Errorf("it does not go on: %v", err)
		}
		lost(1, 2)

		// What waits while nothing can be written is bounded.
		n := 0
		for ; w.bytes < maxPending; n++ {
			w.Report(message("egov-1", n))
		}
		for range 5 {
			w.Report(message("egov-1", n))
		}
		if err := w.Flush(t.Context(), w.Mark()); err != nil {
			t.Error(err)
		}
		lost(1+n, 7)
		if b.largest > batchBytes {
			t.Errorf("one write carries %d bytes", b.largest)
		}
	})
}

// A committer asks with little patience while messages keep coming, and one
// partition cannot be written: it gets through all the same, again and again.
func TestCommitsGoOnWhileOnePartitionFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Minute) // the writer ends by itself
		b := newBook()
		broken := topics.PartitionOf([]byte("egov-1"), 4)
		write := func(ctx context.Context, topic string, partition int, records ...kafka.Record) (int64, error) {
			if partition == broken {
				time.Sleep(writeTime)
				return 0, errors.New("no leader")
			}
			return b.write(ctx, topic, partition, records...)
		}
		w := newWriter(write, 4, observability.NewMetrics(nil), slog.New(slog.DiscardHandler))
		coming, stop := context.WithCancel(t.Context())
		defer stop()
		go func() {
			for n := 0; coming.Err() == nil; n++ {
				w.Report(message(fmt.Sprintf("egov-%d", n%20), n))
				time.Sleep(100 * time.Millisecond)
			}
		}()
		time.Sleep(time.Second)
		for round := range 5 {
			began, mark := time.Now(), w.Mark()
			for done := false; !done; {
				hasty, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				done = w.Flush(hasty, mark) == nil
				cancel()
			}
			most := 3 * writeTime
			if round == 0 {
				most += giveUp
			}
			if took := time.Since(began); took > most {
				t.Errorf("commit %d waits for %s", round, took)
			}
		}
	})
}
