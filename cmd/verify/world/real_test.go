package world

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"kandashub/cmd/verify/broker"
)

// withReal starts a world with real servers, where VERIFY_KAFKA_LIBS names the folder of
// Kafka's jars (deploy/servers/kafka-jars prints it).
func withReal(t *testing.T, brokers int, aof bool) *World {
	t.Helper()
	libs := os.Getenv("VERIFY_KAFKA_LIBS")
	if libs == "" {
		t.Skip("VERIFY_KAFKA_LIBS is not set: no real servers")
	}
	c := config(t)
	c.Real = &Real{KafkaLibs: libs, Brokers: brokers, AOF: aof}
	return start(t, c)
}

// Of three brokers one may be lost.
func TestRealBrokers(t *testing.T) {
	w := withReal(t, 3, true)
	registered(t, w, file(t, w, "begin"))
	if _, err := w.BrokerFault(soon(t), broker.Fault{}); !errors.Is(err, errEmbeddedOnly) {
		t.Errorf("a real broker takes faults: %v", err)
	}
	if len(w.Brokers) != 3 || len(w.KafkaProxies) != 3 {
		t.Fatalf("%d brokers, %d proxies", len(w.Brokers), len(w.KafkaProxies))
	}
	w.Brokers[0].Kill()
	registered(t, w, file(t, w, "two"))
	must(t, w.Brokers[0].Start())
	must(t, w.Brokers[0].Ready(soon(t)))
	w.KafkaProxies[1].Reset()
	registered(t, w, file(t, w, "three"))
	must(t, w.Brokers[2].Term(soon(t)))
	names, err := topicNames(soon(t), w)
	if err != nil || len(names) == 0 {
		t.Errorf("%d topics: %v", len(names), err)
	}
}

// What Redis keeps depends on its append-only file; what it can be told is more
// than an embedded one understands.
func TestRealRedis(t *testing.T) {
	for _, tc := range []struct {
		aof  bool
		kept string
	}{{true, "1"}, {false, "<nil>"}} {
		t.Run(fmt.Sprintf("aof %v", tc.aof), func(t *testing.T) {
			w := withReal(t, 1, tc.aof)
			ctx := soon(t)
			_, err := w.RedisCommand(ctx, "SET", "here", "1")
			must(t, err)
			w.Redis.Kill()
			if _, err := net.Dial("tcp", w.RedisDirect()); err == nil {
				t.Error("a dead Redis accepts")
			}
			must(t, w.Redis.Start())
			must(t, w.Redis.Ready(ctx))
			if v, _ := w.RedisCommand(ctx, "GET", "here"); fmt.Sprint(v) != tc.kept {
				t.Errorf("after a kill: %v, want %s", v, tc.kept)
			}
			_, err = w.RedisCommand(ctx, "CONFIG", "SET", "maxmemory", "1")
			must(t, err)
			if _, err := w.RedisCommand(ctx, "SET", "more", "1"); err == nil || !strings.Contains(err.Error(), "OOM") {
				t.Errorf("a full Redis says: %v", err)
			}
			_, err = w.RedisCommand(ctx, "CONFIG", "SET", "maxmemory", "0")
			must(t, err)
			_, err = w.RedisCommand(ctx, "DEBUG", "SLEEP", "0")
			must(t, err)
			registered(t, w, file(t, w, "end"))
		})
	}
}
