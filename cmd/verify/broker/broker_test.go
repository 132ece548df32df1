package broker

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"
)

// free finds n addresses where nobody listens, below those that systems give to
// outgoing connections.
func free(t *testing.T, n int) (addrs []string) {
	t.Helper()
	for range 1000 {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(20000+rand.IntN(10000))))
		if err != nil {
			continue
		}
		defer l.Close() // only when all are found: they differ
		if addrs = append(addrs, l.Addr().String()); len(addrs) == n {
			return addrs
		}
	}
	t.Fatal("no port is free")
	return nil
}

// background runs f until stop is called or the test ends, and checks that it
// ends well.
func background(t *testing.T, f func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// eventually repeats an attempt until it succeeds.
func eventually(t *testing.T, attempt func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		err := attempt(ctx)
		if err == nil {
			return
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			t.Fatal(err)
		}
	}
}

// cluster is an embedded Kafka of two brokers that advertise other addresses.
type cluster struct {
	Options
	client *kafka.Client
	admin  *Client
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	a := free(t, 5)
	c := &cluster{Options: Options{Listen: a[:2], Advertise: a[2:4], Admin: a[4], Dir: t.TempDir()}, admin: NewClient(a[4])}
	direct := map[string]string{a[2]: a[0], a[3]: a[1]}
	transport := &kafka.Transport{MetadataTTL: 10 * time.Millisecond, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if d, ok := direct[addr]; ok {
			addr = d
		}
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	c.client = &kafka.Client{Addr: kafka.TCP(a[:2]...), Transport: transport}
	return c
}

// serve runs it until stop.
func (c *cluster) serve(t *testing.T) (stop func()) {
	t.Helper()
	stop = background(t, func(ctx context.Context) error { return Serve(ctx, c.Options) })
	eventually(t, func(ctx context.Context) error {
		_, err := c.client.Metadata(ctx, &kafka.MetadataRequest{})
		return err
	})
	return stop
}

const topic = "t"

func (c *cluster) create(t *testing.T) {
	t.Helper()
	resp, err := c.client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: 1, ReplicationFactor: 1}},
	})
	if err == nil {
		err = resp.Errors[topic]
	}
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func(ctx context.Context) error { _, err := c.end(ctx); return err })
}

func (c *cluster) produce(ctx context.Context) error {
	resp, err := c.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: topic, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(kafka.Record{Value: kafka.NewBytes([]byte("v"))}),
	})
	if err != nil {
		return err
	}
	return resp.Error
}

// end is how many records the topic holds.
func (c *cluster) end(ctx context.Context) (int64, error) {
	resp, err := c.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{topic: {kafka.LastOffsetOf(0)}},
	})
	if err != nil {
		return 0, err
	}
	p := resp.Topics[topic][0]
	return p.LastOffset, p.Error
}

func (c *cluster) holds(t *testing.T, want int64) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		got, err := c.end(ctx)
		if err == nil && got != want {
			t.Fatalf("the topic holds %d records, want %d", got, want)
		}
		return err
	})
}

func TestAdvertisesAndKeepsData(t *testing.T) {
	c := newCluster(t)
	stop := c.serve(t)
	c.create(t)
	if err := c.produce(t.Context()); err != nil {
		t.Fatal(err)
	}
	meta, err := c.client.Metadata(t.Context(), &kafka.MetadataRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, b := range meta.Brokers {
		said = append(said, net.JoinHostPort(b.Host, strconv.Itoa(b.Port)))
	}
	if strings.Join(said, ",") != strings.Join(c.Advertise, ",") {
		t.Errorf("it advertises %v, want %v", said, c.Advertise)
	}
	stop()
	c.serve(t)
	c.holds(t, 1)
}

func TestFaults(t *testing.T) {
	c := newCluster(t)
	c.serve(t)
	c.create(t)
	ctx := t.Context()

	refused, err := c.admin.Fault(ctx, Fault{Keys: []string{"Produce"}, Topic: topic, Error: "NOT_ENOUGH_REPLICAS"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.produce(ctx); !errors.Is(err, kafka.NotEnoughReplicas) {
			t.Errorf("want NotEnoughReplicas, got %v", err)
		}
	}
	if n, err := refused.Hits(ctx); n != 2 || err != nil {
		t.Errorf("%d hits, want 2: %v", n, err)
	}
	if n, err := refused.Remove(ctx); n != 2 || err != nil {
		t.Errorf("%d hits, want 2: %v", n, err)
	}
	if _, err := refused.Hits(ctx); err == nil {
		t.Error("a fault that was removed has hits")
	}
	c.holds(t, 0) // nothing was done

	if _, err := c.admin.Fault(ctx, Fault{Keys: []string{"Produce"}, Error: "REQUEST_TIMED_OUT", Times: 1}); err != nil {
		t.Fatal(err)
	}
	if err := c.produce(ctx); !errors.Is(err, kafka.RequestTimedOut) {
		t.Errorf("want RequestTimedOut, got %v", err)
	}
	c.holds(t, 1) // it was done all the same
	if err := c.produce(ctx); err != nil {
		t.Errorf("the fault was for one request: %v", err)
	}

	if _, err := c.admin.Fault(ctx, Fault{Topic: "another", Error: "NOT_ENOUGH_REPLICAS"}); err != nil {
		t.Fatal(err)
	}
	if err := c.produce(ctx); err != nil {
		t.Errorf("the fault is another topic's: %v", err)
	}
	if err := c.admin.ClearFaults(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestFaultsThatDoNotExist(t *testing.T) {
	c := newCluster(t)
	c.serve(t)
	for _, f := range []Fault{{}, {Error: "NONE"}, {Error: "NO_SUCH_ERROR"}, {Keys: []string{"Produced"}, Error: "NOT_ENOUGH_REPLICAS"}} {
		if _, err := c.admin.Fault(t.Context(), f); err == nil || !strings.Contains(err.Error(), "is named") {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

func TestLeaderMoves(t *testing.T) {
	c := newCluster(t)
	c.serve(t)
	c.create(t)
	for _, node := range []int{1, 0, 1} {
		if err := c.admin.MoveLeader(t.Context(), topic, 0, node); err != nil {
			t.Fatal(err)
		}
		eventually(t, func(ctx context.Context) error {
			meta, err := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
			if err == nil && meta.Topics[0].Partitions[0].Leader.ID != node {
				err = errors.New("another broker leads")
			}
			return err
		})
		eventually(t, c.produce)
	}
	if err := c.admin.MoveLeader(t.Context(), topic, 0, 7); err == nil {
		t.Error("a broker that does not exist leads")
	}
	if err := c.admin.RehashCoordinators(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOptionsThatDoNotFit(t *testing.T) {
	for _, o := range []Options{
		{Listen: []string{"127.0.0.1:1", "127.0.0.1:2"}, Advertise: []string{"127.0.0.1:3"}}, {Listen: []string{"127.0.0.1"}}, {Listen: []string{"127.0.0.1:kafka"}},
	} {
		if err := Serve(t.Context(), o); err == nil {
			t.Errorf("%+v is served", o)
		}
	}
}

func TestRedisKeysExpire(t *testing.T) {
	addr := free(t, 1)[0]
	_, text, _ := strings.Cut(addr, ":")
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	background(t, func(ctx context.Context) error { return ServeRedis(ctx, port) })
	client := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, DisableIdentity: true})
	defer client.Close()
	eventually(t, func(ctx context.Context) error { return client.Set(ctx, "k", "v", 50*time.Millisecond).Err() })
	eventually(t, func(ctx context.Context) error {
		n, err := client.Exists(ctx, "k").Result()
		if err == nil && n != 0 {
			err = errors.New("the key has not expired")
		}
		return err
	})
}
