package world

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// programs is the folder of the real programs, built once.
var programs string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "world-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir+string(filepath.Separator),
		"kandashub/cmd/hub", "kandashub/cmd/hubctl", "kandashub/cmd/mocks", "kandashub/cmd/verify")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v: %s\n", err, out)
		return 1
	}
	programs = dir
	return m.Run()
}

func config(t *testing.T) Config {
	return Config{
		Dir: t.TempDir(), Verify: filepath.Join(programs, "verify"), Hub: filepath.Join(programs, "hub"),
		Mocks: filepath.Join(programs, "mocks"), Hubctl: filepath.Join(programs, "hubctl"),
		Replicas: 2, Partitions: 2, Seed: 1,
	}
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestSmoke(t *testing.T) {
	began := time.Now()
	w, err := Start(soon(t), config(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("up after %v", time.Since(began))
	began = time.Now()
	w.Close()
	t.Logf("closed after %v", time.Since(began))
}
