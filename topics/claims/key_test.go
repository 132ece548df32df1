package claims

import (
	"strings"
	"testing"
)

// The vectors are those of Kafka's own UtilsTest.
func TestTagIsJavasMurmur2(t *testing.T) {
	for key, hash := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string":                       -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		want := int(uint32(hash)&0x7fffffff) % hashTags
		if got := tagOf(key); got != want {
			t.Errorf("tag of %q is %d, want %d", key, got, want)
		}
	}
}

func TestIdentityIsRouteSourceAndID(t *testing.T) {
	base := Request{Route: "verify", Application: "egov-1", Source: "kandas", ID: "1"}
	same := base
	same.Fingerprint, same.Sent, same.DecisionID = "other", true, "d"
	if claimKey(&base, 3) != claimKey(&same, 3) {
		t.Error("the key depends on more than the identity")
	}
	seen := map[string]Request{claimKey(&base, 3): base}
	for _, r := range []Request{
		{Route: "verif", Source: "kandas", ID: "1"},
		{Route: "verify", Source: "kanda", ID: "s1"},
		{Route: "verify", Source: "kandas1", ID: ""},
		{Route: "verify", Source: "", ID: "kandas1"},
	} {
		key := claimKey(&r, 3)
		if other, ok := seen[key]; ok {
			t.Errorf("%+v and %+v share a key", r, other)
		}
		seen[key] = r
	}
	if tag := func(key string) string { return key[:strings.Index(key, "}")] }; tag(claimKey(&base, 3)) != tag(counterKey("verify", 3)) {
		t.Error("record and counter have different hash tags")
	}
}

func TestVerdictNames(t *testing.T) {
	var names []string
	for v := Verdict(0); v <= Conflict+1; v++ {
		names = append(names, v.String())
	}
	if got, want := strings.Join(names, " "), "invalid new busy done answered uncertain dead conflict invalid"; got != want {
		t.Errorf("verdicts %s, want %s", got, want)
	}
}
