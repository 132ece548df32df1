package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"kandashub/cmd/verify/check"
	"kandashub/cmd/verify/world"
	"kandashub/mocks"
)

// routes are the routes as the contract has them: what each reads, and what its
// messages go on to, also through the system that it calls.
var routes = []check.Route{
	{Name: "register", Sources: []string{"migration.applications", "egov.applications", "statecorp.applications"}},
	{Name: "iin-lookup", Sources: []string{"kandas.iin-requests", "gbdfl.lookups"}, Writes: []string{"gbdfl.lookups", "migpolice.generations", "iin.results"}},
	{Name: "iin-generate", Sources: []string{"migpolice.generations"}, Writes: []string{"gbdfl.lookups"}},
	{Name: "iin-record", Sources: []string{"iin.results"}},
	{Name: "verify", Sources: []string{"kandas.events"}, Writes: []string{"migration.notifications", "egov.notifications", "statecorp.notifications", "kandas.rejections"}},
	{Name: "notify-migration", Sources: []string{"migration.notifications"}, Writes: []string{"migration.accepted"}},
	{Name: "notify-egov", Sources: []string{"egov.notifications"}, Writes: []string{"egov.accepted", "egov.receipts"}},
	{Name: "notify-statecorp", Sources: []string{"statecorp.notifications"}, Writes: []string{"statecorp.accepted", "statecorp.receipts"}},
	{Name: "delivered", Sources: []string{"migration.receipts", "egov.receipts", "statecorp.receipts", "migration.accepted", "egov.accepted", "statecorp.accepted"}},
	{Name: "reissue", Sources: []string{"statecorp.certificate-requests"}},
}

func group(route string) string { return "hub." + route }

// client is another Kafka client than the hub's, past the proxies.
func client(w *world.World, opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(w.KafkaDirect()...), kgo.Dialer(w.Dialer()), kgo.ClientID("verify"),
		kgo.MetadataMinAge(100 * time.Millisecond), kgo.RetryBackoffFn(func(int) time.Duration { return 100 * time.Millisecond }),
	}, opts...)...)
}

// A sampler looks at the committed offsets of all groups, again and again: what
// was committed at a time had to be finished by then.
type sampler struct {
	admin *kadm.Client

	looking sync.Mutex // one look at a time: the answers of two may cross
	mu      sync.Mutex
	commits []check.Commit
	last    map[string]map[string]map[int32]int64
}

const sampleEvery = 250 * time.Millisecond

func (s *sampler) run(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.sample(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// sample notes what has moved since the last look, and returns the offsets.
func (s *sampler) sample(ctx context.Context) {
	s.looking.Lock()
	defer s.looking.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for _, r := range routes {
		offsets, err := s.admin.FetchOffsets(ctx, group(r.Name))
		at := time.Now()
		if err != nil {
			continue // a broker that is away says nothing
		}
		s.mu.Lock()
		offsets.Each(func(o kadm.OffsetResponse) {
			if o.Err != nil || o.At < 0 || s.known(r.Name, o.Topic, o.Partition) == o.At {
				return
			}
			s.note(r.Name, o.Topic, o.Partition, o.At)
			s.commits = append(s.commits, check.Commit{At: at, Group: group(r.Name), Topic: o.Topic, Partition: int(o.Partition), Offset: o.At})
		})
		s.mu.Unlock()
	}
}

func (s *sampler) known(route, topic string, partition int32) int64 {
	if at, ok := s.last[route][topic][partition]; ok {
		return at
	}
	return -1
}

func (s *sampler) note(route, topic string, partition int32, at int64) {
	if s.last == nil {
		s.last = map[string]map[string]map[int32]int64{}
	}
	if s.last[route] == nil {
		s.last[route] = map[string]map[int32]int64{}
	}
	if s.last[route][topic] == nil {
		s.last[route][topic] = map[int32]int64{}
	}
	s.last[route][topic][partition] = at
}

// behind is how many records of the routes' sources are not committed.
func (s *sampler) behind(ctx context.Context) (int64, error) {
	s.sample(ctx)
	var topics []string
	for _, r := range routes {
		topics = append(topics, r.Sources...)
	}
	ends, err := s.admin.ListEndOffsets(ctx, topics...)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var n int64
	for _, r := range routes {
		for _, t := range r.Sources {
			for p, end := range ends[t] {
				if end.Err == nil {
					n += end.Offset - max(0, s.known(r.Name, t, p))
				}
			}
		}
	}
	return n, nil
}

// ends returns the offsets at which the groups have ended.
func (s *sampler) ends() map[string][]check.Commit {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string][]check.Commit{}
	for _, r := range routes {
		for topic, ps := range s.last[r.Name] {
			for p, at := range ps {
				out[group(r.Name)] = append(out[group(r.Name)], check.Commit{Group: group(r.Name), Topic: topic, Partition: int(p), Offset: at})
			}
		}
	}
	return out
}

// readTopics reads topics, all if none is named, from their beginning to where
// they end now.
func readTopics(ctx context.Context, w *world.World, admin *kadm.Client, names ...string) (map[string][]check.Record, error) {
	listed, err := admin.ListTopics(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("listing topics: %w", err)
	}
	starts, err := admin.ListStartOffsets(ctx, listed.Names()...)
	if err != nil {
		return nil, fmt.Errorf("listing offsets: %w", err)
	}
	ends, err := admin.ListEndOffsets(ctx, listed.Names()...)
	if err != nil {
		return nil, fmt.Errorf("listing offsets: %w", err)
	}
	open := map[string]map[int32]kgo.Offset{}
	left := map[string]map[int32]int64{}
	n := 0
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(end.Topic, end.Partition)
		if end.Err != nil || end.Offset <= start.Offset || end.Topic == "hub.control" { // compacted: nothing is checked there
			return
		}
		if open[end.Topic] == nil {
			open[end.Topic], left[end.Topic] = map[int32]kgo.Offset{}, map[int32]int64{}
		}
		open[end.Topic][end.Partition], left[end.Topic][end.Partition] = kgo.NewOffset().At(start.Offset), end.Offset
		n++
	})
	out := map[string][]check.Record{}
	if n == 0 {
		return out, nil
	}
	reader, err := client(w, kgo.ConsumePartitions(open), kgo.FetchMaxWait(200*time.Millisecond))
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	for n > 0 {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return nil, fmt.Errorf("reading topics: %d partitions are left: %w", n, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			end, wanted := left[r.Topic][r.Partition]
			if !wanted {
				return
			}
			out[r.Topic] = append(out[r.Topic], recordOf(r))
			if r.Offset+1 >= end {
				delete(left[r.Topic], r.Partition)
				n--
			}
		})
	}
	return out, nil
}

func recordOf(r *kgo.Record) check.Record {
	out := check.Record{
		Topic: r.Topic, Partition: int(r.Partition), Offset: r.Offset, Time: r.Timestamp, Key: r.Key, Value: r.Value, Headers: map[string]string{},
	}
	for _, h := range r.Headers {
		out.Headers[h.Key] = string(h.Value)
	}
	return out
}

// readRedis returns all strings that Redis holds: claims, markers and counters.
func readRedis(ctx context.Context, addr string) (map[string]string, error) {
	rdb := redis.NewClient(&redis.Options{Addr: addr, DisableIdentity: true, ReadTimeout: 30 * time.Second})
	defer rdb.Close()
	out := map[string]string{}
	var cursor uint64
	for {
		keys, next, err := rdb.Scan(ctx, cursor, "*", 1000).Result()
		if err != nil {
			return nil, fmt.Errorf("reading Redis: %w", err)
		}
		if len(keys) > 0 {
			pipe := rdb.Pipeline()
			cmds := make([]*redis.StringCmd, len(keys))
			for i, k := range keys {
				cmds[i] = pipe.Get(ctx, k)
			}
			if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
				return nil, fmt.Errorf("reading Redis: %w", err)
			}
			for i, k := range keys {
				out[k] = cmds[i].Val()
			}
		}
		if cursor = next; cursor == 0 {
			return out, nil
		}
	}
}

// readLedger reads what a system has done, from an offset in its file on, and
// returns the offset behind the last whole line.
func readLedger(path string, from int64) ([]mocks.Effect, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, from, err
	}
	defer f.Close()
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return nil, from, err
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, from, err
	}
	whole := bytes.LastIndexByte(data, '\n') + 1
	var out []mocks.Effect
	for line := range bytes.Lines(data[:whole]) {
		var e mocks.Effect
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, from, fmt.Errorf("ledger %s: %w", filepath.Base(path), err)
		}
		out = append(out, e)
	}
	return out, from + int64(whole), nil
}

// writings are the files that the hubs and hubctl have written in a run.
func writings(dir string) []check.Writing {
	var out []check.Writing
	for _, pattern := range []string{"hub-*.log", "hub-*.metrics", "hubctl.log"} {
		paths, _ := filepath.Glob(filepath.Join(dir, pattern)) // the pattern is good
		for _, p := range paths {
			out = append(out, check.Writing{Name: filepath.Base(p), Path: p})
		}
	}
	slices.SortFunc(out, func(a, b check.Writing) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// saveMetrics keeps what the running hubs say of themselves, to be searched for
// personal data. It is not believed in anything else.
func saveMetrics(ctx context.Context, w *world.World, dir string) {
	for _, h := range w.Hubs {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		if req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.MetricsURL, nil); err == nil {
			if resp, err := http.DefaultTransport.RoundTrip(req); err == nil {
				if body, err := io.ReadAll(resp.Body); err == nil {
					_ = os.WriteFile(filepath.Join(dir, h.Name+".metrics"), body, 0o600) // then it is not searched
				}
				resp.Body.Close()
			}
		}
		cancel()
	}
}
