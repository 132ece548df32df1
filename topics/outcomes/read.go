package outcomes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/observability"
	"kandashub/topics"
)

// fetchBytes is asked for in one fetch. It is twice what one batch of the topic
// may weigh, so that an answer without records means that there are none.
const fetchBytes = 2 << 20

// bounds returns the first offset of each partition of the topic, and the one
// after its last.
func bounds(ctx context.Context, cluster *topics.Cluster) (first, end map[int]int64, err error) {
	n, err := cluster.Partitions(ctx, Topic)
	if err != nil {
		return nil, nil, fmt.Errorf("asking where %s ends: %w", Topic, err)
	}
	firsts, ends, err := cluster.AllBounds(ctx, Topic)
	if err != nil {
		return nil, nil, fmt.Errorf("asking where %s ends: %w", Topic, err)
	}
	first, end = firsts[Topic], ends[Topic]
	if len(end) != n {
		return nil, nil, fmt.Errorf("asking where %s ends: the broker names %d of %d partitions", Topic, len(end), n)
	}
	return first, end, nil
}

// fetch returns what lies at an offset of a partition and after it, the offset
// to read next, and where the partition ends. It waits up to wait for a first
// record. What is no outcome of a version that is known is passed over; only
// records of which takes agrees to the value are read.
//
// Compaction leaves holes. An answer without records therefore leads to the end
// of the partition: else a reader would wait before a hole at its end for ever.
func fetch(ctx context.Context, cluster *topics.Cluster, partition int, offset int64, wait time.Duration, takes func(value []byte) bool) (entries []entry, next, end int64, err error) {
	fail := func(err error) ([]entry, int64, int64, error) {
		return nil, offset, 0, fmt.Errorf("reading %s/%d at %d: %w", Topic, partition, offset, err)
	}
	resp, err := cluster.Client.Fetch(ctx, &kafka.FetchRequest{
		Topic: Topic, Partition: partition, Offset: offset, MinBytes: 1, MaxBytes: fetchBytes, MaxWait: wait,
	})
	if err == nil {
		err = resp.Error
	}
	if err != nil {
		return fail(err)
	}
	next = offset
	found := false
	for {
		r, err := resp.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fail(err)
		}
		key, err := contents(r.Key)
		if err != nil {
			return fail(err)
		}
		value, err := contents(r.Value)
		if err != nil {
			return fail(err)
		}
		if r.Offset < offset {
			continue // a broker answers with whole batches
		}
		found, next = true, r.Offset+1
		if takes != nil && !takes(value) {
			continue
		}
		if e, ok := readEntry(key, value); ok {
			entries = append(entries, e)
		}
	}
	if !found {
		next = max(next, resp.HighWatermark)
	}
	return entries, next, resp.HighWatermark, nil
}

func readEntry(key, value []byte) (e entry, ok bool) {
	if e.key, ok = parseDigest(key); !ok {
		return e, false
	}
	var err error
	e.outcome, err = decode(value)
	e.written = value
	return e, err == nil
}

// contents returns the bytes of a key or value; nil for none.
func contents(b kafka.Bytes) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	defer b.Close()
	return kafka.ReadAll(b)
}

// Find returns the outcomes of an application, in the order of time, from the
// topic itself: it reads the application's partition once, for who has no Index.
// progress, which may be nil, is told how many records of how many are read.
func Find(ctx context.Context, cluster *topics.Cluster, application string, progress func(read, end int64)) ([]Outcome, error) {
	all, err := FindHistory(ctx, cluster, application, progress)
	if err != nil {
		return nil, err
	}
	newest := newestOf(all)
	var found []Outcome
	for i := range all {
		if newest[keyOf(&all[i])] == i {
			found = append(found, all[i])
		}
	}
	return found, nil
}

// FindHistory is Find with the outcomes that a later one has taken the place of, as
// far as the topic has not been compacted yet.
func FindHistory(ctx context.Context, cluster *topics.Cluster, application string, progress func(read, end int64)) (all []Outcome, err error) {
	firsts, ends, err := bounds(ctx, cluster)
	if err != nil {
		return nil, err
	}
	application = observability.MaskID(application) // as it was written
	p := topics.PartitionOf([]byte(application), len(ends))
	first, end := firsts[p], ends[p]
	mention := []byte(`"application":` + strconv.Quote(application))
	for at := first; at < end; {
		entries, next, _, err := fetch(ctx, cluster, p, at, 100*time.Millisecond, func(value []byte) bool { return bytes.Contains(value, mention) })
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.outcome.Application == application {
				all = append(all, e.outcome)
			}
		}
		at = next
		if progress != nil {
			progress(min(at, end)-first, end-first)
		}
	}
	sortByTime(all)
	return all, nil
}
