package claims

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"kandashub/topics/servertest"
)

// node is a redis-server of a test's own.
type node struct {
	host, port string
	rdb        *redis.Client
	process    *exec.Cmd
}

func (n *node) addr() string { return net.JoinHostPort(n.host, n.port) }

// startNode starts a redis-server, with a line of settings, and waits until it
// answers.
func startNode(t *testing.T, mode string, settings ...string) *node {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed: not run on several nodes")
	}
	n := &node{}
	n.host, n.port, _ = net.SplitHostPort(servertest.FreeAddress(t))
	dir := t.TempDir()
	file := filepath.Join(dir, "redis.conf")
	lines := append([]string{"port " + n.port, "bind " + n.host, "dir " + dir, "save \"\""}, settings...)
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{file}
	if mode != "" {
		args = append(args, mode)
	}
	n.process = exec.Command(program, args...)
	if err := n.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.kill)
	n.rdb = redis.NewClient(&redis.Options{Addr: n.addr(), MaxRetries: -1, DisableIdentity: true})
	t.Cleanup(func() { n.rdb.Close() })
	eventually(t, "redis-server answers", func() bool { return n.rdb.Ping(t.Context()).Err() == nil })
	return n
}

func (n *node) kill() {
	if n.process.ProcessState == nil {
		n.process.Process.Kill() //nolint:errcheck // it has ended, then
		n.process.Wait()         //nolint:errcheck // killed
	}
}

func (n *node) do(t *testing.T, args ...any) {
	t.Helper()
	if err := n.rdb.Do(t.Context(), args...).Err(); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
}

// Claims keep their promises on a Redis Cluster, where steps of one batch go to
// several nodes.
func TestCluster(t *testing.T) {
	var nodes []*node
	var addrs []string
	for i := range 3 {
		// The port of the nodes among themselves is apart from the clients' by a
		// fixed step, unless it is given.
		_, port, _ := net.SplitHostPort(servertest.FreeAddress(t))
		n := startNode(t, "", "cluster-enabled yes", "cluster-port "+port, "cluster-node-timeout 2000")
		n.do(t, "cluster", "addslotsrange", i*16384/3, (i+1)*16384/3-1)
		if i > 0 {
			n.do(t, "cluster", "meet", nodes[0].host, nodes[0].port, strings.Split(busOf(t, nodes[0]), "@")[1])
		}
		nodes, addrs = append(nodes, n), append(addrs, n.addr())
	}
	for _, n := range nodes {
		eventually(t, "the cluster is whole", func() bool {
			info, err := n.rdb.ClusterInfo(t.Context()).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		})
	}
	connect := func(t *testing.T) *server { return realAt(client(t, addrs...)) }
	runConformance(t, connect)
	t.Run("a crowd on all nodes", func(t *testing.T) {
		s := tell(t, connect(t))
		var wg sync.WaitGroup
		for i := range 500 {
			wg.Go(func() {
				r := s.req
				r.ID, r.Application = fmt.Sprint(i), fmt.Sprintf("egov-1896-%d", i)
				c, err := s.store.Claim(s.ctx, r)
				if err != nil || c.Verdict != New {
					t.Errorf("claim %d: %+v, %v", i, c, err)
					return
				}
				if err := s.store.Done(s.ctx, c); err != nil {
					t.Errorf("done %d: %v", i, err)
				}
				if c, err := s.store.Claim(s.ctx, r); err != nil || c.Verdict != Done {
					t.Errorf("claim %d again: %+v, %v", i, c, err)
				}
			})
		}
		wg.Wait()
		for _, n := range nodes {
			if size, err := n.rdb.DBSize(t.Context()).Result(); err != nil || size == 0 {
				t.Errorf("a node holds %d keys, %v", size, err)
			}
		}
	})
}

// busOf returns host:port@busport of a node, as it names itself.
func busOf(t *testing.T, n *node) string {
	t.Helper()
	text, err := n.rdb.ClusterNodes(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.Fields(text)[1], ",")
}

// sentReplicated claims and sends as the hub does: again, where the replica has not
// confirmed it in the time that it is given.
func sentReplicated(t *testing.T, s *story) {
	t.Helper()
	eventually(t, "the replica confirms", func() bool {
		c := s.claim(New)
		err := s.store.Sent(s.ctx, c)
		if errors.Is(err, ErrNotReplicated) {
			s.ok(s.store.Release(s.ctx, c))
			return false
		}
		s.ok(err)
		return true
	})
}

// Nothing is called that a replica does not know of, where that is asked for.
func TestReplicaMustKnow(t *testing.T) {
	master := startNode(t, "")
	replica := startNode(t, "", "replicaof "+master.host+" "+master.port)
	eventually(t, "the replica follows", func() bool {
		info, err := replica.rdb.Info(t.Context(), "replication").Result()
		return err == nil && strings.Contains(info, "master_link_status:up")
	})
	s := tell(t, realAt(client(t, master.addr())))
	s.store = NewStore(s.srv.rdb, Config{Lease: testLease, Keep: time.Hour, Replicas: 1})
	t.Cleanup(s.store.Close)
	s.req.Replicated = true
	sentReplicated(t, s)
	if v, err := replica.rdb.Get(s.ctx, s.key()).Result(); err != nil || v[0] != 's' {
		t.Errorf("the replica holds %q, %v", v, err)
	}
	replica.kill()
	s.req.ID = "m2"
	c := s.claim(New)
	if err := s.store.Sent(s.ctx, c); !errors.Is(err, ErrNotReplicated) {
		t.Errorf("without a replica: %v, want ErrNotReplicated", err)
	}
	s.ok(s.store.Release(s.ctx, c))
	s.claim(New)
}

// Behind sentinels a claim outlives its master: the replica that takes over
// knows it.
func TestSentinelFailover(t *testing.T) {
	master := startNode(t, "")
	replica := startNode(t, "", "replicaof "+master.host+" "+master.port)
	eventually(t, "the replica follows", func() bool {
		info, err := replica.rdb.Info(t.Context(), "replication").Result()
		return err == nil && strings.Contains(info, "master_link_status:up")
	})
	sentinel := startNode(t, "--sentinel",
		fmt.Sprintf("sentinel monitor claims %s %s 1", master.host, master.port),
		"sentinel down-after-milliseconds claims 500", "sentinel failover-timeout claims 2000")
	eventually(t, "the sentinel knows the replica", func() bool {
		list, err := sentinel.rdb.Do(t.Context(), "sentinel", "replicas", "claims").Slice()
		return err == nil && len(list) == 1
	})
	rdb := redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs: []string{sentinel.addr()}, MasterName: "claims", MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true, DisableIdentity: true,
	})
	t.Cleanup(func() { rdb.Close() })
	s := tell(t, &server{rdb: rdb})
	s.store = NewStore(rdb, Config{Lease: testLease, Keep: time.Hour, Replicas: 1})
	t.Cleanup(s.store.Close)
	s.req.Replicated = true
	sentReplicated(t, s)
	master.kill()
	var verdict Verdict
	eventually(t, "the replica has taken over", func() bool {
		ctx, cancel := context.WithTimeout(s.ctx, time.Second)
		defer cancel()
		c, err := s.store.Claim(ctx, s.req)
		if err == nil {
			verdict = c.Verdict
		}
		return err == nil
	})
	if verdict != Busy {
		t.Errorf("after the failover the verdict is %s, want busy: the claim was confirmed by the replica", verdict)
	}
}
