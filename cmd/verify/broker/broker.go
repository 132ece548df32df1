// Package broker is the embedded Kafka and Redis of a fault run, each served by
// a process of its own, so that it can be killed, stopped and started again
// while the hubs live on.
//
// The Kafka is kfake: a fake without replication, which keeps its topics and
// groups on disk. It tells its clients to come to other addresses than it
// listens on, where the run's proxies are. Over HTTP it answers requests with
// errors on demand (Fault) and moves leaders and coordinators.
package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"
)

// Options say how an embedded Kafka runs. Its addresses and folder are fixed,
// so that it can be started again on its data.
type Options struct {
	Listen    []string `required:"" placeholder:"HOST:PORT" help:"Where each broker listens."`
	Advertise []string `placeholder:"HOST:PORT" help:"Where clients are told to find each broker; the same as listen, if empty."`
	Admin     string   `required:"" placeholder:"HOST:PORT" help:"Where faults are set, over HTTP."`
	Dir       string   `required:"" type:"path" help:"Folder of the data."`
}

// minSession is the shortest session of a group member: runs are fast.
const minSession = time.Second

// Serve runs an embedded Kafka until ctx ends.
func Serve(ctx context.Context, o Options) error {
	if len(o.Advertise) == 0 {
		o.Advertise = o.Listen
	}
	if len(o.Advertise) != len(o.Listen) {
		return fmt.Errorf("broker: %d addresses to listen on, %d to advertise", len(o.Listen), len(o.Advertise))
	}
	ports := make([]int, len(o.Listen))
	for i, addr := range o.Listen {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return fmt.Errorf("broker: %w", err)
		}
		if ports[i], err = strconv.Atoi(port); err != nil {
			return fmt.Errorf("broker: port of %s: %w", addr, err)
		}
	}
	admin, err := net.Listen("tcp", o.Admin)
	if err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	defer admin.Close()
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(len(ports)), kfake.Ports(ports...), kfake.DataDir(o.Dir),
		kfake.GroupMinSessionTimeout(minSession),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}),
		kfake.ListenFn(advertising(o.Advertise)),
	)
	if err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	defer cluster.Close()
	return serveAdmin(ctx, admin, newAdmin(cluster))
}

// serveAdmin answers at l until ctx ends.
func serveAdmin(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("broker: admin: %w", err)
	}
	return nil
}

// advertising listens where it is told to, and says that it listens somewhere
// else: kfake advertises what its listeners say. It is called once per broker,
// in their order.
func advertising(addrs []string) func(network, address string) (net.Listener, error) {
	return func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		if err != nil {
			return nil, err
		}
		said, err := net.ResolveTCPAddr("tcp", addrs[0])
		if err != nil {
			l.Close()
			return nil, err
		}
		addrs = addrs[1:]
		return listener{l, said}, nil
	}
}

type listener struct {
	net.Listener
	said net.Addr
}

// Addr is the address that clients are told.
func (l listener) Addr() net.Addr { return l.said }

// ServeRedis runs an embedded Redis at a port of this machine until ctx ends;
// its data ends with it. Keys expire by a tick of a second: miniredis' own way,
// with each command, looks at all keys each time, and a backlog of 12,500
// messages never came through. Leases do not expire: they are times in records.
func ServeRedis(ctx context.Context, port int) error {
	m := miniredis.NewMiniRedis()
	if err := m.StartAddr(net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err != nil {
		return fmt.Errorf("start the embedded Redis: %w", err)
	}
	defer m.Close()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			m.FastForward(time.Second)
		case <-ctx.Done():
			return nil
		}
	}
}
