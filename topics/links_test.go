package topics_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kandashub/topics"
	"kandashub/topics/servertest"
)

// A member waits to join its group, for as long as a rebalance may take, and is
// told to stop.
func TestStopWhileJoining(t *testing.T) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	t.Setenv("KAFKA_BROKERS", k.ListenAddrs()[0])
	joining, answer := make(chan struct{}, 10), make(chan struct{})
	k.ControlKey(int16(kmsg.JoinGroup), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		joining <- struct{}{}
		k.SleepControl(func() { <-answer })
		return nil, nil, false
	})
	t.Cleanup(func() { close(answer) })
	b := newBench(t, topics.C2)
	c := b.consumer()
	c.Rebalance, c.Leave = time.Hour, 50*time.Millisecond
	stop, ended := b.run(c)
	<-joining
	go func() { _ = stop() }()
	servertest.Eventually(t, "the route has ended", func() bool {
		select {
		case <-ended:
			return true
		default:
			return false
		}
	})
}
