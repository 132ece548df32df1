package limit

import (
	"context"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// usual is the program that one would write first: kafka-go's Reader in a group,
// which commits once a second, and its Writer, which batches by itself. Beside it,
// the lean one shows what their convenience costs.
func usual(ctx context.Context, o Options, call *caller) error {
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: o.Kafka, GroupID: Group(o.System), Topic: topicOf(o.System), StartOffset: kafka.FirstOffset,
		QueueCapacity: 1000, MaxBytes: 1 << 20, MaxWait: 2 * time.Second, CommitInterval: time.Second,
		HeartbeatInterval: 2 * time.Second, SessionTimeout: 10 * time.Second, RebalanceTimeout: 15 * time.Second, JoinGroupBackoff: 300 * time.Millisecond,
	})
	w := &kafka.Writer{
		Addr: kafka.TCP(o.Kafka...), Topic: o.System + ".accepted", Balancer: kafka.Murmur2Balancer{Consistent: true},
		RequiredAcks: kafka.RequireAll, BatchSize: batchRecords, BatchTimeout: 10 * time.Millisecond, Async: true,
	}
	work := make(chan kafka.Message, o.Workers)
	var working sync.WaitGroup
	for range o.Workers {
		working.Go(func() {
			for m := range work {
				if err := call.do(ctx, m); err == nil && o.Reply {
					_ = w.WriteMessages(ctx, replyMessage(o.System, m)) // no guarantee: what fails is gone
				}
			}
		})
	}
	for {
		m, err := r.ReadMessage(ctx)
		if err != nil {
			break // ctx has ended
		}
		work <- m
	}
	close(work)
	working.Wait()
	_ = r.Close()
	_ = w.Close()
	return nil
}

func topicOf(system string) string { return system + ".notifications" }

// replyMessage is reply for a Writer.
func replyMessage(system string, m kafka.Message) kafka.Message {
	r := reply(system, m)
	key, _ := kafka.ReadAll(r.Key) // of bytes in memory
	value, _ := kafka.ReadAll(r.Value)
	out := kafka.Message{Key: key, Value: value}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, kafka.Header(h))
	}
	return out
}
