package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"kandashub/topics"
)

const testKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

// testPlan is a routing table with one route of each kind that matters here.
var testPlan = plan{
	Systems: []string{"kandas", "migpolice"},
	Callers: []string{"kandas", "egov"},
	Routes: []plannedRoute{
		{Name: "register", System: "kandas", Effect: topics.C1, Sources: []string{"egov.applications"}},
		{Name: "iin-generate", System: "migpolice", Effect: topics.C3, Sources: []string{"migpolice.generations"}},
	},
}

// valid are settings with which testPlan runs.
func valid(changes ...string) map[string]string {
	environ := map[string]string{
		"HUB_KANDAS_URL": "https://kandas.example/api", "HUB_MIGPOLICE_URL": "http://127.0.0.1:9",
		"HUB_PERSON_KEY": testKey, "HUB_KANDAS_TOKEN": "hunter2-hunter2-hunter2",
	}
	for _, c := range changes {
		name, value, _ := strings.Cut(c, "=")
		environ[name] = value
	}
	return environ
}

func TestConfigDefaults(t *testing.T) {
	c, err := loadConfig(valid(), testPlan)
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range []struct {
		what      string
		got, want any
	}{
		{"call", c.Call, 8 * time.Second}, {"lease", c.Lease, 12 * time.Second}, {"drain", c.Drain, 5 * time.Second},
		{"session", c.Session, 10 * time.Second}, {"rebalance", c.Rebalance, 15 * time.Second}, {"shutdown", c.Shutdown, 20 * time.Second},
		{"settle C2", c.SettleC2, time.Minute}, {"settle C3", c.SettleC3, 15 * time.Minute},
		{"replicas", c.redisReplicas(), 0}, {"window", c.Window, 1000}, {"window bytes", c.WindowBytes, ByteSize(64 << 20)}, {"partitions", c.Partitions, 8},
		{"runs", c.Runs("register"), true}, {"conns", c.Systems["kandas"].Conns, 256}, {"sender", c.Callers["egov"].Sender, "egov"},
	} {
		if check.got != check.want {
			t.Errorf("%s is %v, want %v", check.what, check.got, check.want)
		}
	}
}

func TestConfigForTests(t *testing.T) {
	_, err := loadConfig(valid("HUB_CALL=2s", "HUB_LEASE=4s", "HUB_DRAIN=2s", "HUB_SESSION=6s", "HUB_REBALANCE=10s",
		"HUB_SHUTDOWN=5s", "HUB_SETTLE_C2=5s", "HUB_SETTLE_C3=5s"), testPlan)
	if err != nil {
		t.Errorf("the times of make run are refused: %v", err)
	}
}

func TestConfigMistakes(t *testing.T) {
	for _, c := range []struct {
		change string
		want   []string // parts of the error
	}{
		{"HUB_CALL=abc", []string{"HUB_CALL: ", "abc"}},
		{"HUB_CALL=11s", []string{"HUB_CALL (11s) + 1s must be less than HUB_LEASE (12s)"}},
		{"HUB_CALL=0s", []string{"HUB_CALL is 0s"}},
		{"HUB_DRAIN=10s", []string{"HUB_DRAIN (10s) must be less than HUB_SESSION (10s)"}},
		{"HUB_SESSION=16s", []string{"HUB_SESSION (16s) must not be more than HUB_REBALANCE (15s)"}},
		{"HUB_SHUTDOWN=8s", []string{"HUB_SHUTDOWN (8s) must be more than HUB_CALL (8s)"}},
		{"HUB_SETTLE_C2=16m", []string{"HUB_SETTLE_C2 (16m0s) must not be more than HUB_SETTLE_C3"}},
		{"HUB_BACKOFF_MIN=1m", []string{"HUB_BACKOFF_MIN (1m0s) must not be more than HUB_BACKOFF_CAP"}},
		{"HUB_PARTITIONS=0", []string{"HUB_PARTITIONS is 0"}},
		{"HUB_PARTITIONS=many", []string{"HUB_PARTITIONS: ", "many"}},
		{"HUB_WINDOW_BYTES=64MB", []string{"HUB_WINDOW_BYTES: ", "64MB"}},
		{"HUB_KANDAS_CONNS=-1", []string{"HUB_KANDAS_CONNS is -1"}},
		{"HUB_KANDAS_CONNS=x", []string{"HUB_KANDAS_CONNS: "}},
		{"HUB_KAFKA=a:1,b", []string{`HUB_KAFKA: "b" is not host:port`}},
		{"HUB_LISTEN=8080", []string{`HUB_LISTEN: "8080" is not host:port`}},
		{"HUB_REDIS=a:1,b:2", []string{"HUB_REDIS names 2 addresses"}},
		{"HUB_REDIS_MODE=both", []string{`HUB_REDIS_MODE: "both" is none of`}},
		{"HUB_REDIS_MODE=sentinel", []string{"HUB_REDIS_MASTER is required"}},
		{"HUB_REDIS_MASTER=x", []string{"HUB_REDIS_MODE is not sentinel"}},
		{"HUB_ROUTES=register,nosuch", []string{`there is no route "nosuch"; there are all, register, iin-generate`}},
		{"HUB_PERSON_KEY=", []string{"HUB_PERSON_KEY is required, because route iin-generate runs"}},
		{"HUB_PERSON_KEY=0011", []string{"HUB_PERSON_KEY: the key has 2 bytes"}},
		{"HUB_LOG_KEY=?", []string{"HUB_LOG_KEY: the key is neither hex nor base64"}},
		{"HUB_LOG_LEVEL=loud", []string{"HUB_LOG_LEVEL: "}},
		{"HUB_KANDAS_URL=", []string{"HUB_KANDAS_URL is required by register"}},
		{"HUB_KANDAS_URL=ftp://x", []string{"HUB_KANDAS_URL is no http or https URL"}},
		{"HUB_KANDAS_URL=https://me:hunter2@kandas.example", []string{"HUB_KANDAS_URL holds a user"}},
		{"HUB_INTAKE_EGOV_TOKEN=hunter2", []string{"HUB_INTAKE_EGOV_TOKEN is shorter than 16"}},
		{"HUB_SHEP_SENDER_EGOV=kandas", []string{"HUB_SHEP_SENDER_EGOV is the same as that of kandas"}},
	} {
		t.Run(c.change, func(t *testing.T) {
			_, err := loadConfig(valid(c.change), testPlan)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error does not hold %q:\n%v", want, err)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows a secret: %v", err)
			}
			if n := strings.Count(err.Error(), "\n"); n > 0 {
				t.Errorf("one mistake makes %d lines:\n%v", n+1, err)
			}
		})
	}
}

func TestConfigReportsAllMistakesAtOnce(t *testing.T) {
	_, err := loadConfig(valid("HUB_CALL=abc", "HUB_KANDAS_CONNS=x", "HUB_PERSON_KEY=", "HUB_REDIS_MODE=both", "HUB_KANDAS_URL="), testPlan)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"HUB_CALL", "HUB_KANDAS_CONNS", "HUB_PERSON_KEY", "HUB_REDIS_MODE", "HUB_KANDAS_URL"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named:\n%v", want, err)
		}
	}
}

// TestConfigOfOtherRoutes checks that nothing is asked for that does not run.
func TestConfigOfOtherRoutes(t *testing.T) {
	c, err := loadConfig(map[string]string{"HUB_ROUTES": "register", "HUB_KANDAS_URL": "http://127.0.0.1:9"}, testPlan)
	if err != nil {
		t.Fatal(err)
	}
	if c.Runs("iin-generate") || !c.Runs("register") || c.runsC3() {
		t.Error("HUB_ROUTES=register runs something else")
	}
}

func TestListsMayHaveSpaces(t *testing.T) {
	c, err := loadConfig(valid("HUB_KAFKA=a:1, b:2", "HUB_ROUTES=register, iin-generate"), testPlan)
	if err != nil {
		t.Fatal(err)
	}
	if c.Kafka[1] != "b:2" || !c.Runs("iin-generate") {
		t.Errorf("brokers %q, routes %q", c.Kafka, c.Routes)
	}
}

func TestTokensAreDifferent(t *testing.T) {
	_, err := loadConfig(valid("HUB_INTAKE_EGOV_TOKEN=hunter2-hunter2-hunter2", "HUB_INTAKE_KANDAS_TOKEN=hunter2-hunter2-hunter2"), testPlan)
	if err == nil || !strings.Contains(err.Error(), "same as that of kandas") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("two systems with one token: %v", err)
	}
}

func TestSecretsFromFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	environ := valid("HUB_REDIS_PASSWORD_FILE="+file("redis", "from a file\n"),
		"HUB_PERSON_KEY_FILE="+file("key", testKey+"\n"), "HUB_INTAKE_EGOV_TOKEN_FILE="+file("token", "0123456789abcdef"))
	delete(environ, "HUB_PERSON_KEY")
	before := maps.Clone(environ)
	c, err := loadConfig(environ, testPlan)
	if err != nil {
		t.Fatal(err)
	}
	if c.RedisPassword != "from a file" || len(c.PersonKey) != 32 || c.Callers["egov"].Token != "0123456789abcdef" {
		t.Error("secrets were not read from their files")
	}
	if !maps.Equal(before, environ) {
		t.Error("loadConfig changed the map it was given")
	}
	_, err = loadConfig(valid("HUB_PERSON_KEY_FILE="+file("key", testKey), "HUB_REDIS_PASSWORD_FILE="+dir+"/absent"), testPlan)
	for _, want := range []string{"HUB_PERSON_KEY and HUB_PERSON_KEY_FILE are both set", "HUB_REDIS_PASSWORD_FILE"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not hold %q: %v", want, err)
		}
	}
}

func TestKeyForms(t *testing.T) {
	for _, text := range []string{testKey,
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"} {
		var k Key
		if err := k.UnmarshalText([]byte(text)); err != nil || len(k) != 32 || k[31] != 31 {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestSecretsNeverShow(t *testing.T) {
	c, err := loadConfig(valid("HUB_REDIS_PASSWORD=hunter2", "HUB_INTAKE_EGOV_TOKEN=hunter2-hunter2-hunter3"), testPlan)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{c.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, c.RedisPassword), fmt.Sprintf(verb, c.Systems["kandas"]), fmt.Sprintf(verb, *c))
	}
	j, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range append(texts, string(j)) {
		for _, secret := range []string{"hunter2", "68756e746572", testKey, "[0 1 2 3", "0x0, 0x1, 0x2"} {
			if strings.Contains(text, secret) {
				t.Errorf("a secret shows: %s", text)
			}
		}
	}
	if !strings.Contains(c.String(), "HUB_REDIS_PASSWORD=***\n") || !strings.Contains(c.String(), "HUB_KANDAS_URL=https://kandas.example/api\n") {
		t.Errorf("String does not list the settings:\n%s", c)
	}
}

func TestSettingsAreDescribed(t *testing.T) {
	seen := make(map[string]bool)
	for _, s := range settings() {
		if s.Name == "" || s.Unit == "" || s.Meaning == "" || seen[s.Name] {
			t.Errorf("setting %+v has no name, unit or meaning, or comes twice", s)
		}
		seen[s.Name] = true
		if s.secret && s.Default != "" {
			t.Errorf("secret %s has a default", s.Name)
		}
	}
}

// TestReadmeListsSettings holds the README's table against the struct.
func TestReadmeListsSettings(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	printSettings(&want, routingPlan())
	if !strings.Contains(strings.ReplaceAll(string(readme), "\r\n", "\n"), want.String()) {
		t.Errorf("README.md does not hold the settings as they are; paste what `go run ./cmd/hub settings` prints:\n%s", want.String())
	}
}

// What one node alone knows is lost with a failover.
func TestReplicasThatMustConfirm(t *testing.T) {
	for _, tc := range []struct {
		mode string
		set  int
		want int
	}{{"single", -1, 0}, {"cluster", -1, 1}, {"sentinel", -1, 1}, {"single", 2, 2}, {"cluster", 0, 0}} {
		if got := (&Config{RedisMode: tc.mode, RedisReplicas: tc.set}).redisReplicas(); got != tc.want {
			t.Errorf("%s, HUB_REDIS_REPLICAS=%d: %d replicas, want %d", tc.mode, tc.set, got, tc.want)
		}
	}
}

// TestMemoryLimit: only a limit that somebody has set is told as one.
func TestMemoryLimit(t *testing.T) {
	before, percent := debug.SetMemoryLimit(-1), debug.SetGCPercent(100)
	defer func() {
		debug.SetMemoryLimit(before)
		debug.SetGCPercent(percent)
	}()
	cfg := &Config{WindowBytes: 64 << 20}
	container, err := memlimit.FromCgroup()
	if err != nil {
		container = 0
	}
	if limit := useMemory(cfg); limit != int64(container) {
		t.Errorf("the limit is %d, the container's %d", limit, container)
	}
	if target := debug.SetMemoryLimit(-1); target > 128<<20 {
		t.Errorf("garbage is collected from %d bytes on, the window is %d", target, cfg.WindowBytes)
	}
	t.Setenv("GOMEMLIMIT", "77MiB") // as the runtime has read it at the start
	debug.SetMemoryLimit(77 << 20)
	if limit := useMemory(cfg); limit != 77<<20 {
		t.Errorf("GOMEMLIMIT is 77 MiB, and the limit %d", limit)
	}
}
