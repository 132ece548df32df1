package world

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/segmentio/kafka-go"
	"go.uber.org/goleak"

	"kandashub/cmd/verify/broker"
	"kandashub/mocks"
	"kandashub/mocks/samples"
)

// programs is the folder of the real programs, built once.
var programs string

// The tests' own program serves the embedded servers, as verify does.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "broker" || os.Args[1] == "redis") {
		os.Exit(serve())
	}
	os.Exit(run(m))
}

func serve() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var cli struct {
		Broker broker.Options `cmd:""`
		Redis  struct {
			Port int
		} `cmd:""`
	}
	var err error
	if kong.Parse(&cli).Command() == "broker" {
		err = broker.Serve(ctx, cli.Broker)
	} else {
		err = broker.ServeRedis(ctx, cli.Redis.Port)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "world-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir+string(filepath.Separator),
		"kandashub/cmd/hub", "kandashub/cmd/hubctl", "kandashub/cmd/mocks")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v: %s\n", err, out)
		return 1
	}
	programs = dir
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func config(t *testing.T) Config {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	return Config{
		Dir: t.TempDir(), Verify: self, Hub: filepath.Join(programs, "hub"),
		Mocks: filepath.Join(programs, "mocks"), Hubctl: filepath.Join(programs, "hubctl"),
		Replicas: 2, Partitions: 2, Seed: 1,
	}
}

func start(t *testing.T, c Config) *World {
	t.Helper()
	began := time.Now()
	w, err := Start(soon(t), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	t.Logf("up after %s", time.Since(began).Round(time.Millisecond))
	return w
}

// soon ends long after everything should have happened.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// file files an application at migration, under a name that no other has, and
// returns its id.
func file(t *testing.T, w *World, name string) (application string) {
	t.Helper()
	for _, f := range samples.Flows(name, 1) {
		for _, s := range f.Steps {
			if s.System != "migration" || s.Path != "/_file" {
				continue
			}
			body, err := json.Marshal(s.Body)
			must(t, err)
			resp, err := http.Post(w.SystemURL("migration")+s.Path, "application/json", bytes.NewReader(body))
			must(t, err)
			resp.Body.Close()
			if resp.StatusCode/100 != 2 {
				t.Fatalf("filing: %s", resp.Status)
			}
			return f.Applications[0].ApplicationID
		}
	}
	t.Fatal("no sample is filed at migration")
	return ""
}

// registered waits until kandas has registered an application: the road there
// is whole, and every process on it works.
func registered(t *testing.T, w *World, application string) {
	t.Helper()
	must(t, until(soon(t), func(context.Context) error {
		data, err := os.ReadFile(w.Ledger("kandas"))
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(data)) {
			var e mocks.Effect
			if json.Unmarshal([]byte(line), &e) == nil && e.Operation == "register" && e.Application == application {
				return nil
			}
		}
		return errors.New("kandas has not registered the application")
	}))
}

// topicNames asks the brokers themselves, by the road that a checker takes.
func topicNames(ctx context.Context, w *World) (names []string, err error) {
	transport := &kafka.Transport{Dial: w.Dialer()}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(w.KafkaDirect()...), Transport: transport}
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return nil, err
	}
	for _, topic := range meta.Topics {
		names = append(names, topic.Name)
	}
	slices.Sort(names)
	return names, nil
}

// A hub that does not start is told of with its own words, and nothing is left.
func TestHubThatDoesNotStart(t *testing.T) {
	c := config(t)
	c.Env = []string{"HUB_CALL=1h"}
	w, err := Start(soon(t), c)
	if err == nil {
		w.Close()
		t.Fatal("it has started")
	}
	if !strings.Contains(err.Error(), "hub-1 has ended by itself (exit status") || !strings.Contains(err.Error(), "HUB_CALL") {
		t.Errorf("the error does not say what is wrong: %v", err)
	}
}
