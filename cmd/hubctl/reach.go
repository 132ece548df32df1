package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"kandashub/topics"
)

// reachFor is how long a command looks for a broker before it says that there is none.
// What takes longer after that has --timeout.
const reachFor = 10 * time.Second

// reach returns the cluster once one of its brokers answers.
func (f kafkaFlags) reach(ctx context.Context) (*topics.Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, min(f.Timeout, reachFor))
	defer cancel()
	cluster := f.cluster()
	again := time.NewTicker(250 * time.Millisecond)
	defer again.Stop()
	for {
		err := cluster.Ping(ctx)
		if err == nil {
			return cluster, nil
		}
		if !unknownHosts(ctx, f.brokers()) {
			select {
			case <-again.C:
				continue
			case <-ctx.Done():
			}
		}
		cluster.Close()
		return nil, fmt.Errorf("no broker answers at %s (%w): look at HUB_KAFKA (--kafka) and the network", strings.Join(f.brokers(), ", "), err)
	}
}

// unknownHosts says whether none of the addresses has a name that anybody knows: that
// does not change while one waits.
func unknownHosts(ctx context.Context, addresses []string) bool {
	for _, address := range addresses {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			host = address // without a port
		}
		_, err = net.DefaultResolver.LookupHost(ctx, host)
		var unknown *net.DNSError
		if !errors.As(err, &unknown) || !unknown.IsNotFound {
			return false
		}
	}
	return true
}
