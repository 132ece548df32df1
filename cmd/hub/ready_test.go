package main

import (
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"kandashub/topics/servertest"
)

// A stoppableKafka is an embedded broker that can be away and come back at the
// same address with all that it had.
type stoppableKafka struct {
	t       *testing.T
	addr    string
	dir     string
	cluster *kfake.Cluster
}

func newKafka(t *testing.T) *stoppableKafka {
	t.Helper()
	k := &stoppableKafka{t: t, addr: servertest.FreeAddress(t), dir: t.TempDir()}
	k.start()
	t.Cleanup(func() { k.cluster.Close() })
	return k
}

func (k *stoppableKafka) start() {
	k.t.Helper()
	_, p, err := net.SplitHostPort(k.addr)
	if err != nil {
		k.t.Fatal(err)
	}
	port, err := strconv.Atoi(p)
	if err != nil {
		k.t.Fatal(err)
	}
	k.cluster, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(k.dir),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		k.t.Fatal(err)
	}
}

func (k *stoppableKafka) stop() { k.cluster.Close() }

// TestReadiness takes away one thing after another: /readyz names it, /livez
// stays as it is, and the hub goes on when it is back.
func TestReadiness(t *testing.T) {
	k := newKafka(t)
	m := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), MaxRetries: -1})
	t.Cleanup(func() { rdb.Close() })
	w := newWorldOn(t, []string{k.addr}, rdb)
	w.start()
	for _, c := range []struct {
		name      string
		away      []string // the checks that fail
		take, put func()
	}{
		{"kafka", []string{"kafka"}, k.stop, k.start},
		{"redis", []string{"redis"}, m.Close, func() {
			if err := m.Restart(); err != nil {
				t.Fatal(err)
			}
		}},
		{"a topic", []string{"topics"}, func() {
			servertest.Eventually(t, "the topic is deleted", func() bool { // the first try may meet a connection of before
				_, err := w.cluster.Client.DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{"missions.notifications"}})
				return err == nil
			})
		}, func() {
			if _, err := w.contract.Create(newContext(t, time.Minute), w.cluster.Client, w.partitions, 1); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.in(t)
			c.take()
			servertest.Eventually(t, "not ready without "+c.name, func() bool {
				status, failed := w.failedChecks()
				return status == http.StatusServiceUnavailable && failed == strings.Join(c.away, " ")
			})
			if status, _ := w.get("/livez"); status != http.StatusOK {
				t.Errorf("/livez says %d: whoever watches would kill a hub that only waits", status)
			}
			c.put()
			servertest.Eventually(t, "ready again", func() bool { status, _ := w.failedChecks(); return status == http.StatusOK })
			a := w.quietly(w.application("migration"))
			w.accept("migration.applications", w.filed(a))
			w.awaitEffect("kandas", "register", a.ApplicationID)
			w.awaitMembers()
		})
	}
}

// awaitMembers waits until each route has a settled group again.
func (w *world) awaitMembers() {
	w.t.Helper()
	for _, r := range routes {
		servertest.Eventually(w.t, "the group of "+r.name+" is settled", func() bool {
			resp, err := w.cluster.Client.DescribeGroups(w.t.Context(), &kafka.DescribeGroupsRequest{GroupIDs: []string{"hub." + r.name}})
			return err == nil && len(resp.Groups) == 1 && resp.Groups[0].GroupState == "Stable" && len(resp.Groups[0].Members) == 1
		})
	}
}

// failedChecks asks /readyz and returns the names of what it misses.
func (w *world) failedChecks() (status int, failed string) {
	status, body := w.get("/readyz")
	var answer struct {
		Checks []struct {
			Name, Reason string
			OK           bool
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return 0, ""
	}
	var names []string
	for _, c := range answer.Checks {
		if !c.OK && c.Reason != "" {
			names = append(names, c.Name)
		}
	}
	return status, strings.Join(names, " ")
}
