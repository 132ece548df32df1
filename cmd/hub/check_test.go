package main

import (
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"kandashub/topics"
	"kandashub/topics/contract"
	"kandashub/topics/servertest"
)

// checkPlan names topics that the contract has.
var checkPlan = plan{
	Systems: []string{"kandas", "migpolice"},
	Callers: []string{"egov"},
	Routes: []plannedRoute{
		{Name: "register", System: "kandas", Effect: topics.C1, Sources: []string{"egov.applications"}},
		{Name: "notify-egov", System: "kandas", Effect: topics.C2, Sources: []string{"egov.notifications"}},
		{Name: "iin-generate", System: "migpolice", Effect: topics.C3, Sources: []string{"migpolice.generations"}},
	},
}

// listenTCP returns the address of something that takes connections.
func listenTCP(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// startKafka returns the address of an embedded broker, with the contract's
// topics of n partitions unless n is 0.
func startKafka(t *testing.T, n int) string {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	addr := cluster.ListenAddrs()[0]
	if n == 0 {
		return addr
	}
	c, err := contract.Load()
	if err != nil {
		t.Fatal(err)
	}
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	if _, err := c.Create(t.Context(), &kafka.Client{Addr: kafka.TCP(addr), Transport: transport}, n, 1); err != nil {
		t.Fatal(err)
	}
	return addr
}

// startRedis returns the address of an embedded Redis that shows the given
// settings, or refuses to where there are none.
func startRedis(t *testing.T, shown map[string]string) string {
	t.Helper()
	m := miniredis.RunT(t)
	if shown != nil {
		err := m.Server().Register("CONFIG", func(c *server.Peer, _ string, args []string) {
			c.WriteStrings([]string{args[1], shown[args[1]]})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return m.Addr()
}

var safeRedis = map[string]string{"appendonly": "yes", "maxmemory-policy": "noeviction", "appendfsync": "always"}

// runCheck runs check with the given settings and returns what it printed.
func runCheck(t *testing.T, changes ...string) (code int, out string) {
	t.Helper()
	environ := map[string]string{"HUB_PERSON_KEY": testKey, "HUB_PARTITIONS": "2",
		"HUB_INTAKE_EGOV_TOKEN": "0123456789abcdef"}
	for _, c := range changes {
		name, value, _ := strings.Cut(c, "=")
		environ[name] = value
	}
	cfg, err := loadConfig(environ, checkPlan)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	code = check(t.Context(), cfg, &b)
	for _, line := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
		if !regexp.MustCompile(`^(ok  |warn|fail)  \S+ +\S`).MatchString(line) {
			t.Errorf("not a line of the report: %q", line)
		}
	}
	return code, b.String()
}

func expect(t *testing.T, out string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile(`(?m)` + p).MatchString(out) {
			t.Errorf("no line matches %q in:\n%s", p, out)
		}
	}
}

func TestCheckOfASoundWorld(t *testing.T) {
	system := listenTCP(t)
	code, out := runCheck(t, "HUB_KAFKA="+startKafka(t, 2), "HUB_REDIS="+startRedis(t, safeRedis),
		"HUB_KANDAS_URL=http://"+system, "HUB_MIGPOLICE_URL=http://"+system)
	if code != 0 || strings.Contains(out, "fail") {
		t.Errorf("exit code %d", code)
	}
	expect(t, out, `^ok +settings`, `^ok +kafka +broker \d+ answers`, `^warn +kafka +forgets a route whose hubs are all down for 7 days`, `^ok +topics +\d+ topics are`, `^ok +redis +appendonly is yes`,
		`^ok +redis +maxmemory-policy is noeviction`, `^ok +redis +appendfsync is always`, `^ok +kandas`, `^ok +migpolice`,
		`^warn +recipients +missions has no route: missions.notifications is written and kept`, `^warn +recipients +monitoring`, `^warn +recipients +notify`,
		// 3 routes, two weeks and a day: 3 × 15 × 86,400 s × 185 B
		`^ok +memory +Redis needs 0\.67 GiB for each message a second on every route: 3\.9 million claims of 185 bytes`)
	if strings.Contains(out, "egov.notifications") {
		t.Errorf("a recipient that has a route is named:\n%s", out)
	}
}

func TestCheckOfABrokenWorld(t *testing.T) {
	code, out := runCheck(t, "HUB_KAFKA="+servertest.FreeAddress(t), "HUB_REDIS="+servertest.FreeAddress(t),
		"HUB_KANDAS_URL=http://"+servertest.FreeAddress(t), "HUB_MIGPOLICE_URL=http://"+servertest.FreeAddress(t), "HUB_INTAKE_EGOV_TOKEN=", "HUB_LEESE=1s")
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	expect(t, out, `^warn +settings +HUB_LEESE is no setting`, `^fail +kafka +no broker answers`, `^fail +redis +does not answer`,
		`^fail +kandas .*HUB_KANDAS_URL`, `^fail +migpolice`, `^warn +callers +egov has no token.*HUB_INTAKE_EGOV_TOKEN`)
}

func TestCheckTopics(t *testing.T) {
	_, out := runCheck(t, "HUB_KAFKA="+startKafka(t, 0), "HUB_REDIS="+startRedis(t, safeRedis),
		"HUB_KANDAS_URL=http://"+listenTCP(t), "HUB_ROUTES=register")
	expect(t, out, `^fail +topics +missing: .*egov\.applications, .*run hubctl topics create`)
	code, out := runCheck(t, "HUB_KAFKA="+startKafka(t, 3), "HUB_REDIS="+startRedis(t, safeRedis),
		"HUB_KANDAS_URL=http://"+listenTCP(t), "HUB_ROUTES=register")
	expect(t, out, `^fail +topics .*egov\.applications has 3 partitions instead of 2.*set HUB_PARTITIONS`)
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
}

func TestCheckRedisSettings(t *testing.T) {
	broker, system := startKafka(t, 2), "http://"+listenTCP(t)
	with := func(name, value string) map[string]string {
		m := map[string]string{name: value}
		for k, v := range safeRedis {
			if k != name {
				m[k] = v
			}
		}
		return m
	}
	for _, c := range []struct {
		what   string
		shown  map[string]string
		routes string
		code   int
		line   string
	}{
		{"no append-only file", with("appendonly", "no"), "register", 1, `^fail +redis +appendonly is no, not yes`},
		{"claims are evicted", with("maxmemory-policy", "allkeys-lru"), "register", 1, `^fail +redis +maxmemory-policy is allkeys-lru`},
		{"C3 with a lazy fsync", with("appendfsync", "everysec"), "iin-generate", 1, `^fail +redis +appendfsync is everysec, not always.*IIN`},
		{"no C3 with a lazy fsync", with("appendfsync", "everysec"), "register", 0, `^ok +redis +maxmemory-policy`},
		{"settings are not shown", nil, "iin-generate", 0, `^warn +redis +cannot tell whether appendfsync is always`},
	} {
		t.Run(c.what, func(t *testing.T) {
			code, out := runCheck(t, "HUB_KAFKA="+broker, "HUB_REDIS="+startRedis(t, c.shown), "HUB_ROUTES="+c.routes,
				"HUB_KANDAS_URL="+system, "HUB_MIGPOLICE_URL="+system)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			expect(t, out, c.line)
		})
	}
}

func TestDialAddress(t *testing.T) {
	for base, want := range map[string]string{
		"http://kandas.example/api": "kandas.example:80", "https://kandas.example": "kandas.example:443",
		"https://[::1]:8443/x": "[::1]:8443",
	} {
		if got, err := dialAddress(base); got != want || err != nil {
			t.Errorf("dialAddress(%q) = %q, %v, want %q", base, got, err, want)
		}
	}
}
