package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"kandashub/topics"
	"kandashub/topics/contract"

	"github.com/twmb/franz-go/pkg/kfake"
)

// hubctl carries out one command line and returns what it said.
func hubctl(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), args, surroundings{stdin: strings.NewReader(""), stdout: &out, stderr: &errs})
	return code, out.String(), errs.String()
}

func broker(t *testing.T) string {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k.ListenAddrs()[0]
}

func TestTopics(t *testing.T) {
	t.Setenv("HUB_KAFKA", broker(t))
	t.Setenv("HUB_PARTITIONS", "2")

	code, out, errs := hubctl(t, "topics", "check")
	if code != exitFailed || !strings.Contains(out, "topic migration.applications is missing") || !strings.Contains(errs, "not as the contract says") {
		t.Errorf("check before create: %d\n%s%s", code, out, errs)
	}
	code, out, errs = hubctl(t, "topics", "create", "--replication=1")
	if code != exitOK || !strings.Contains(out, "made hub.control\n") || !strings.Contains(out, " topics made, 0 existed") {
		t.Errorf("create: %d\n%s%s", code, out, errs)
	}
	code, out, errs = hubctl(t, "topics", "create", "--replication=1")
	if code != exitOK || !strings.HasPrefix(out, "0 topics made") {
		t.Errorf("create again: %d\n%s%s", code, out, errs)
	}
	code, out, errs = hubctl(t, "topics", "check")
	if code != exitOK || !strings.Contains(out, "are as the contract says") {
		t.Errorf("check after create: %d\n%s%s", code, out, errs)
	}
	if out := expect(t, exitOK, []string{"topics", "check", "-o", "json"}); out != "[]\n" {
		t.Errorf("check -o json: %s", out)
	}
	compiled(t).obeyed(t, "topics check", []byte(expect(t, exitFailed, []string{"topics", "check", "--partitions=3", "-o", "json"}, `"want": 3`)))
	code, out, errs = hubctl(t, "topics", "check", "--partitions=3")
	if code != exitFailed || !strings.Contains(out, "topic kandas.events has 2 partitions instead of 3\n") || strings.Contains(out, "hub.control") {
		t.Errorf("check with another number: %d\n%s%s", code, out, errs)
	}
}

// The default of three replicas cannot be had from one broker: it says so at
// once.
func TestTopicsRefused(t *testing.T) {
	code, out, errs := hubctl(t, "topics", "create", "--kafka="+broker(t))
	if code != exitFailed || out != "" || !strings.Contains(errs, "creating topic") {
		t.Errorf("create: %d\n%s%s", code, out, errs)
	}
}

func TestNoBroker(t *testing.T) {
	code, _, errs := hubctl(t, "topics", "check", "--kafka=127.0.0.1:1", "--timeout=300ms")
	if code != exitFailed || !strings.Contains(errs, "no broker answers at 127.0.0.1:1") {
		t.Errorf("check: %d\n%s", code, errs)
	}
}

func TestList(t *testing.T) {
	agreed, err := contract.Load()
	if err != nil {
		t.Fatal(err)
	}
	code, out, _ := hubctl(t, "topics", "list", "--partitions=5")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != exitOK || len(lines) != len(agreed.Topics())+1 {
		t.Fatalf("list: %d, %d lines", code, len(lines))
	}
	for _, want := range []string{"5 14 days migration migration register", "5 for ever hub hub -", "1 last of each key hub hub hub"} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("list has no %q:\n%s", want, out)
		}
	}
}

func TestContract(t *testing.T) {
	code, out, _ := hubctl(t, "contract")
	if code != exitOK || out != string(topics.AsyncAPI()) {
		t.Errorf("contract: %d, %d bytes", code, len(out))
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"topic"}, {"topics", "create", "--replicas=1"}, {"topics", "check", "--partitions=many"}} {
		if code, _, errs := hubctl(t, args...); code != exitUsage || !strings.Contains(errs, "hubctl --help") {
			t.Errorf("%v: %d %s", args, code, errs)
		}
	}
	for _, args := range [][]string{{"--help"}, {"topics", "create", "--help"}} {
		if code, out, _ := hubctl(t, args...); code != exitOK || !strings.Contains(out, "Usage: hubctl") {
			t.Errorf("%v: %d %s", args, code, out)
		}
	}
}
