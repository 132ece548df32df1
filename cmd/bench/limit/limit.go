// Package limit is what the hub is measured against: the least program that does
// the same work with the same libraries, kafka-go and net/http, and with the same
// batching, and that promises nothing. It reads a topic, calls the system once for
// each record, with as many calls at once, and writes the same reply. It commits
// what it has read once a second, whatever became of it, as a plain consumer does.
//
// It keeps no order, finds no duplicate, holds nothing against a schema, and loses
// what it had in hand when it dies. What the hub costs beyond it is the price of
// the guarantees.
//
// There are two: the lean one reads and writes with kafka-go's lower half, as the
// hub does, and the usual one with its Reader and Writer.
package limit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// Options of a limit program.
type Options struct {
	Kafka   []string `required:"" placeholder:"HOST:PORT" help:"Brokers to begin with."`
	System  string   `required:"" enum:"migration,egov" help:"Whom to tell: migration (JSON) or egov (SOAP)."`
	URL     string   `required:"" help:"Base URL of the system."`
	Workers int      `default:"256" help:"Calls at once."`
	Usual   bool     `help:"Be the program that one would write first, with kafka-go's Reader and Writer."`
	Reply   bool     `default:"true" negatable:"" help:"Write a reply to each answer."`
}

// Group is the consumer group of the limit program of a system.
func Group(system string) string { return "limit." + system }

// Serve runs until ctx ends. It says on w where its counters are.
func Serve(ctx context.Context, o Options, w io.Writer) error {
	counters, err := serveCounters(ctx, w)
	if err != nil {
		return err
	}
	defer counters.Close()
	call := newCaller(o)
	if o.Usual {
		return usual(ctx, o, call)
	}
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: Group(o.System), Brokers: o.Kafka, Topics: []string{topicOf(o.System)}, StartOffset: kafka.FirstOffset,
		HeartbeatInterval: 2 * time.Second, SessionTimeout: 10 * time.Second, RebalanceTimeout: 15 * time.Second, JoinGroupBackoff: 300 * time.Millisecond,
	})
	if err != nil {
		return fmt.Errorf("limit: %w", err)
	}
	work := make(chan kafka.Message, o.Workers)
	var working sync.WaitGroup
	defer working.Wait()
	defer close(work)
	defer group.Close() // waits for whoever reads
	replies := newProducer(o.Kafka)
	for range o.Workers {
		working.Go(func() {
			for m := range work {
				if err := call.do(ctx, m); err == nil && o.Reply {
					replies.add(o.System+".accepted", m.Partition, reply(o.System, m))
				}
			}
		})
	}
	for {
		gen, err := group.Next(ctx)
		if ctx.Err() != nil || errors.Is(err, kafka.ErrGroupClosed) {
			return nil
		}
		if err == nil {
			read(gen, o.Kafka[0], work)
		}
	}
}

// read reads the partitions of a generation, each on a connection of its own.
func read(gen *kafka.Generation, broker string, work chan<- kafka.Message) {
	p := &positions{gen: gen, of: map[string]map[int]int64{}}
	for topic, assigned := range gen.Assignments {
		for _, a := range assigned {
			gen.Start(func(ctx context.Context) { partition(ctx, broker, topic, a, p, work) })
		}
	}
	gen.Start(p.run)
}

// partition reads one partition until ctx ends, and again from where it was
// after an error.
func partition(ctx context.Context, broker, topic string, a kafka.PartitionAssignment, p *positions, work chan<- kafka.Message) {
	offset := a.Offset
	for ctx.Err() == nil {
		conn, err := kafka.DialLeader(ctx, "tcp", broker, topic, a.ID)
		if err != nil {
			continue
		}
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		whence := kafka.SeekAbsolute
		if offset < 0 {
			offset, whence = 0, kafka.SeekStart
		}
		offset, err = conn.Seek(offset, whence)
		for err == nil {
			offset, err = batch(ctx, conn, offset, p, work)
		}
		stop()
		conn.Close()
	}
}

// batch hands out what one fetch brings, and returns the offset to read next.
func batch(ctx context.Context, conn *kafka.Conn, offset int64, p *positions, work chan<- kafka.Message) (int64, error) {
	b := conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 2 * time.Second})
	for {
		m, err := b.ReadMessage()
		if err != nil {
			err = b.Close()
			if errors.Is(err, kafka.RequestTimedOut) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = nil
			}
			return offset, err
		}
		select {
		case work <- m:
		case <-ctx.Done():
			return offset, ctx.Err()
		}
		offset = m.Offset + 1
		p.move(m.Topic, m.Partition, offset)
	}
}

// positions are how far a generation has read.
type positions struct {
	gen *kafka.Generation

	mu sync.Mutex
	of map[string]map[int]int64
}

func (p *positions) move(topic string, partition int, offset int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of[topic] == nil {
		p.of[topic] = map[int]int64{}
	}
	p.of[topic][partition] = offset
}

// run commits once a second.
func (p *positions) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.mu.Lock()
			moved := p.of
			p.of = map[string]map[int]int64{}
			p.mu.Unlock()
			if len(moved) > 0 && p.gen.CommitOffsets(moved) != nil {
				return // a new generation reads again from what was committed
			}
		}
	}
}

// serveCounters serves how many objects this process has allocated, under the
// name that the hub's metrics have for it.
func serveCounters(ctx context.Context, w io.Writer) (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("limit: %w", err)
	}
	s := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		fmt.Fprintf(w, "go_memstats_mallocs_total %d\ngo_memstats_alloc_bytes_total %d\n", m.Mallocs, m.TotalAlloc)
	})}
	context.AfterFunc(ctx, func() { s.Close() })
	go s.Serve(l) //nolint:errcheck // it ends with ctx
	return l, json.NewEncoder(w).Encode(map[string]string{"metrics": l.Addr().String()})
}
