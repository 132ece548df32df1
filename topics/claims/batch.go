package claims

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// roundTrips is how many may be under way at once. Two keep
	// Redis busy while the hub reads answers; more make the batches smaller.
	roundTrips = 2
	// maxBatch bounds one run of the script, and with it how long Redis is held up.
	maxBatch = 256
	// maxQueue bounds what waits for a round trip; further callers block.
	maxQueue = 1024
	// attempts is how often a step is sent where its reply is lost.
	attempts = 3
	// replicaWait is how long replicas have to confirm a step.
	replicaWait = 200 * time.Millisecond
)

// step is one step of the script, and what it came to.
type step struct {
	ctx  context.Context
	name string
	keys []string
	args []any

	reply any
	err   error
	done  chan struct{} // closed when there is a reply or error
}

// A batcher sends steps together. Batching is natural: a worker takes what
// has queued while the last round trips were under way and waits for nothing,
// so that a lone step goes out at once and a crowd shares its round trips.
type batcher struct {
	rdb     redis.UniversalClient
	script  *redis.Script
	cluster bool          // keys of two hash tags must not meet in one run
	timeout time.Duration // of one round trip
	queue   chan *step
	stop    chan struct{} // closed: take nothing more
	stopped chan struct{} // closed: all workers have ended
	once    sync.Once
}

func newBatcher(rdb redis.UniversalClient, timeout time.Duration) *batcher {
	_, cluster := rdb.(*redis.ClusterClient)
	b := &batcher{
		rdb: rdb, script: redis.NewScript(stepsLua), cluster: cluster, timeout: timeout, queue: make(chan *step, maxQueue),
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	var workers sync.WaitGroup
	for range roundTrips {
		workers.Go(b.work)
	}
	go func() {
		workers.Wait()
		close(b.stopped)
	}()
	return b
}

func (b *batcher) close() {
	b.once.Do(func() { close(b.stop) })
	<-b.stopped
}

// do sends s and waits for its reply. A caller whose ctx ends leaves; its step
// may take place all the same.
func (b *batcher) do(ctx context.Context, s *step) (any, error) {
	s.ctx, s.done = ctx, make(chan struct{})
	select {
	case b.queue <- s:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-b.stop:
		return nil, ErrClosed
	}
	select {
	case <-s.done:
		return s.reply, s.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-b.stopped:
	}
	// A worker may have ended with this step, or without having seen it.
	select {
	case <-s.done:
		return s.reply, s.err
	default:
		return nil, ErrClosed
	}
}

// work sends batches until the batcher is stopped.
func (b *batcher) work() {
	batch := make([]*step, 0, maxBatch)
	for {
		select {
		case <-b.stop:
			return
		case s := <-b.queue:
			batch = append(batch[:0], s)
		}
		runtime.Gosched() // whoever is about to queue a step comes along
		for more := true; more && len(batch) < maxBatch; {
			select {
			case s := <-b.queue:
				batch = append(batch, s)
			default:
				more = false
			}
		}
		b.send(batch)
		clear(batch)
	}
}

// send makes one round trip. What its caller has given up is not sent.
func (b *batcher) send(batch []*step) {
	ctx, cancel := context.WithTimeout(context.Background(), b.timeout)
	defer cancel()
	wanted := batch[:0]
	for _, s := range batch {
		if s.ctx.Err() == nil {
			wanted = append(wanted, s)
		}
	}
	if len(wanted) == 0 {
		return
	}
	groups := [][]*step{wanted}
	if b.cluster {
		groups = byTag(wanted)
	}
	runs := make([]*redis.Cmd, len(groups))
	pipe := b.rdb.Pipeline()
	for i, g := range groups {
		keys, args := joined(g)
		runs[i] = pipe.EvalSha(ctx, b.script.Hash(), keys, args...)
	}
	_, _ = pipe.Exec(ctx) // its error is that of the runs
	for i, g := range groups {
		if redis.HasErrorPrefix(runs[i].Err(), "NOSCRIPT") {
			// Redis does not know it, after its start, a failover or SCRIPT FLUSH.
			keys, args := joined(g)
			runs[i] = b.script.Eval(ctx, b.rdb, keys, args...)
		}
		settle(g, runs[i])
	}
}

// byTag groups steps by the hash tags of their keys.
func byTag(steps []*step) (groups [][]*step) {
	at := map[string]int{}
	for _, s := range steps {
		tag, _, _ := strings.Cut(s.keys[0], "}")
		i, ok := at[tag]
		if !ok {
			i = len(groups)
			at[tag] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], s)
	}
	return groups
}

// joined are the keys and arguments of one run of the script for steps.
func joined(steps []*step) (keys []string, args []any) {
	n := 0
	for _, s := range steps {
		n += len(s.keys)
	}
	keys, args = make([]string, 0, n), make([]any, 0, 8*len(steps))
	for _, s := range steps {
		keys = append(keys, s.keys...)
		args = append(append(args, s.name, len(s.keys), len(s.args)), s.args...)
	}
	return keys, args
}

// settle gives each step what the run says of it.
func settle(steps []*step, run *redis.Cmd) {
	replies, err := run.Slice()
	if err == nil && len(replies) != len(steps) {
		err = errors.New("unknown reply")
	}
	for i, s := range steps {
		if s.err = err; err == nil {
			s.reply = replies[i]
			s.err, _ = replies[i].(error)
		}
		if s.done != nil {
			close(s.done)
		}
	}
}

// confirmed sends s and has n replicas confirm it. WAIT speaks of what its own
// connection has seen, so both go out in a pipeline of their own, to the node
// that holds the keys.
func (b *batcher) confirmed(ctx context.Context, s *step, n int) (any, error) {
	var node redis.UniversalClient = b.rdb
	if cluster, ok := b.rdb.(*redis.ClusterClient); ok {
		master, err := cluster.MasterForKey(ctx, s.keys[0])
		if err != nil {
			return nil, err
		}
		node = master
	}
	keys, args := joined([]*step{s})
	for known := false; ; known = true {
		pipe := node.Pipeline()
		run := pipe.EvalSha(ctx, b.script.Hash(), keys, args...)
		wait := pipe.Do(ctx, "wait", n, replicaWait.Milliseconds())
		_, _ = pipe.Exec(ctx)
		if redis.HasErrorPrefix(run.Err(), "NOSCRIPT") && !known {
			if err := b.script.Load(ctx, node).Err(); err != nil {
				return nil, err
			}
			continue
		}
		settle([]*step{s}, run)
		if s.err != nil {
			return nil, s.err
		}
		confirmed, err := wait.Int()
		if err == nil && confirmed < n {
			err = ErrNotReplicated
		}
		return s.reply, err
	}
}

// replyLost says whether a step may have taken place although err came back:
// the connection failed, and not Redis.
func replyLost(err error) bool {
	if err == nil {
		return false
	}
	var answer redis.Error
	return !errors.As(err, &answer) && !errors.Is(err, redis.ErrClosed) &&
		!errors.Is(err, ErrClosed) && !errors.Is(err, ErrNotReplicated)
}
