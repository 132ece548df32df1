package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRunOnce lets every flow run through the whole hub, undisturbed and with
// the hub killed in the middle: on the embedded servers, and on real ones where
// KAFKA_BROKERS and REDIS_ADDR name them.
func TestRunOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the hub")
	}
	bin := buildHub(t)
	kafka, redis := os.Getenv("KAFKA_BROKERS"), os.Getenv("REDIS_ADDR")
	if kafka == "" || redis == "" {
		kafka, redis = "", ""
	}
	for name, kill := range map[string]int{"undisturbed": 0, "killed once": 1} {
		t.Run(name, func(t *testing.T) {
			if kafka == "" { // on shared servers the two hubs would share their groups
				t.Parallel()
			}
			var out bytes.Buffer
			dir := t.TempDir()
			c := runCmd{
				worldFlags: worldFlags{Kafka: kafka, Redis: redis, Seed: 1, Dir: dir},
				Hub:        filepath.Join(bin, "hub"), Once: true, Kill: kill, Timeout: 7 * time.Minute, Output: &out,
			}
			err := c.Run(t.Context())
			log, readErr := os.ReadFile(filepath.Join(dir, "hub.log"))
			if err != nil || readErr != nil {
				t.Fatalf("%v, %v\n%s\nthe hub's last lines:\n%s", err, readErr, out.String(), lastLines(filepath.Join(dir, "hub.log"), 30))
			}
			if died := strings.Count(out.String(), "hub died ("); died != kill {
				t.Errorf("the hub died %d times, want %d\n%s", died, kill, out.String())
			}
			if i := bytes.Index(log, []byte("DATA RACE")); i >= 0 {
				t.Errorf("the hub has a data race:\n%s", log[i:min(len(log), i+4000)])
			}
		})
	}
}

// buildHub builds the programs that a run needs, under the race detector where
// the test is.
func buildHub(t *testing.T) (bin string) {
	t.Helper()
	bin = t.TempDir()
	args := []string{"build", "-o", bin + "/"}
	if raceDetector {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "kandashub/cmd/hub", "kandashub/cmd/hubctl")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the hub: %v\n%s", err, out)
	}
	return bin
}
