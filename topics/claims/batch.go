package claims

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// pipelines is how many round trips may be under way at once. Two keep
	// Redis busy while the hub reads answers; more make the batches smaller.
	pipelines = 2
	// maxBatch bounds one pipeline, and with it how long Redis is held up.
	maxBatch = 256
	// maxQueue bounds what waits for a pipeline; further callers block.
	maxQueue = 1024
	// attempts is how often a step is sent where its reply is lost.
	attempts = 3
	// replicaWait is how long replicas have to confirm a step.
	replicaWait = 200 * time.Millisecond
)

// step is one run of a script.
type step struct {
	ctx    context.Context
	script *redis.Script
	keys   []string
	args   []any

	cmd  *redis.Cmd
	done chan struct{} // closed when cmd has its reply or error
}

// A batcher sends steps in pipelines. Batching is natural: a worker takes what
// has queued while the last round trips were under way and waits for nothing,
// so that a lone step goes out at once and a crowd shares its round trips.
type batcher struct {
	rdb     redis.UniversalClient
	timeout time.Duration // of one round trip
	queue   chan *step
	stop    chan struct{} // closed: take nothing more
	stopped chan struct{} // closed: all workers have ended
	once    sync.Once
}

func newBatcher(rdb redis.UniversalClient, timeout time.Duration) *batcher {
	b := &batcher{
		rdb: rdb, timeout: timeout, queue: make(chan *step, maxQueue),
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	var workers sync.WaitGroup
	for range pipelines {
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
		return s.cmd.Result()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-b.stopped:
	}
	// A worker may have ended with this step, or without having seen it.
	select {
	case <-s.done:
		return s.cmd.Result()
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
	run(ctx, b.rdb.Pipeline(), wanted)
	var unknown []*step
	for _, s := range wanted {
		if redis.HasErrorPrefix(s.cmd.Err(), "NOSCRIPT") {
			unknown = append(unknown, s)
			continue
		}
		close(s.done)
	}
	if len(unknown) > 0 {
		b.teach(ctx, unknown)
	}
}

// run sends steps by the hashes of their scripts. The error of Exec is that of
// the steps.
func run(ctx context.Context, pipe redis.Pipeliner, steps []*step) {
	for _, s := range steps {
		s.cmd = pipe.EvalSha(ctx, s.script.Hash(), s.keys, s.args...)
	}
	_, _ = pipe.Exec(ctx)
}

// teach sends steps whose scripts Redis does not know, after its start, a
// failover or SCRIPT FLUSH, with the scripts' text.
func (b *batcher) teach(ctx context.Context, steps []*step) {
	pipe := b.rdb.Pipeline()
	for _, s := range steps {
		s.cmd = s.script.Eval(ctx, pipe, s.keys, s.args...)
	}
	_, _ = pipe.Exec(ctx)
	for _, s := range steps {
		close(s.done)
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
	for known := false; ; known = true {
		pipe := node.Pipeline()
		cmd := pipe.EvalSha(ctx, s.script.Hash(), s.keys, s.args...)
		wait := pipe.Do(ctx, "wait", n, replicaWait.Milliseconds())
		_, _ = pipe.Exec(ctx)
		switch {
		case redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") && !known:
			if err := s.script.Load(ctx, node).Err(); err != nil {
				return nil, err
			}
			continue
		case cmd.Err() != nil:
			return nil, cmd.Err()
		}
		confirmed, err := wait.Int()
		if err == nil && confirmed < n {
			err = ErrNotReplicated
		}
		return cmd.Val(), err
	}
}

// replyLost says whether a step may have taken place although err came back:
// the connection failed, and not Redis.
func replyLost(err error) bool {
	var answer redis.Error
	return err != nil && !errors.As(err, &answer) && !errors.Is(err, redis.ErrClosed) &&
		!errors.Is(err, ErrClosed) && !errors.Is(err, ErrNotReplicated)
}
