package check

import (
	"context"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"kandashub/topics/claims"
)

// The checker knows a claim by its key and record alone: both are made here by
// the package that owns them.
func TestClaimStates(t *testing.T) {
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1})
	defer client.Close()
	store := claims.NewStore(client, claims.Config{})
	defer store.Close()
	ctx := context.Background()
	var claim [2]*claims.Claim
	for i, id := range []string{"one", "two"} {
		var err error
		claim[i], err = store.Claim(ctx, claims.Request{Route: "show", Application: "egov-1", Source: "kandas", ID: id, Fingerprint: "f"})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Done(ctx, claim[1]); err != nil {
		t.Fatal(err)
	}
	h := &History{Redis: map[string]string{}}
	for _, key := range server.Keys() {
		if v, err := server.Get(key); err == nil {
			h.Redis[key] = v
		}
	}
	r := tie(h)
	if !r.openClaim("show", identity{"kandas", "one"}) {
		t.Errorf("an open claim is not found among %v", h.Redis)
	}
	if r.openClaim("show", identity{"kandas", "two"}) || r.openClaim("tell", identity{"kandas", "one"}) {
		t.Error("a claim that is done, or that is not there, is open")
	}
}
