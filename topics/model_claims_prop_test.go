package topics

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"kandashub/topics/claims"
)

// A record is what Redis holds of one message, by its place in a scriptBook. 0
// is nothing.
type claimRecord uint8

// The steps at a claim.
type claimStep uint8

const (
	stepClaim claimStep = iota
	stepSent
	stepRelease
	stepAnswered
	stepDone
	stepDead
	stepDecide
	stepUndo
	stepExpire // the lease ends
	stepForget // a done marker ends
)

// A claimed is what a step comes to.
type claimed struct {
	record  claimRecord
	verdict claims.Verdict // of stepClaim
	letter  uint8          // of the verdict Dead
	ok      bool           // of the other steps: accepted
}

// decisions are what a person decides in the model, in the order of decAction.
var decisionsOfModel = [...]claims.Decision{claims.Replay, claims.ReplayAsk, claims.Discard, claims.Finish}

// A stepArg names who takes a step, and what with.
type stepArg struct {
	token, letter, decision, kind uint8
	again                         uint8 // of stepUndo: the letter from now on
}

// A scriptBook knows what each step does to each record, because it has the real
// scripts do it, each once: the model can not drift from them. Time stands
// still, so that equal records are equal bytes; a lease ends by stepExpire.
// Owners have two tokens each, for a new claim must not look like a repeat.
type scriptBook struct {
	t       *testing.T
	redis   *miniredis.Miniredis
	store   *claims.Store
	request claims.Request
	key     string
	owners  [4]*claims.Claim
	tokens  [4]string
	records []string
	known   map[bookKey]claimed
}

type bookKey struct {
	record claimRecord
	step   claimStep
	arg    stepArg
}

func newScriptBook(t *testing.T) *scriptBook {
	b := &scriptBook{t: t, redis: miniredis.RunT(t), records: []string{""}, known: map[bookKey]claimed{},
		request: claims.Request{Route: "r", Application: "k", Source: "s", ID: "m", Fingerprint: "f"}}
	b.redis.SetTime(time.UnixMilli(1_800_000_000_000))
	rdb := redis.NewClient(&redis.Options{Addr: b.redis.Addr(), MaxRetries: -1, DisableIdentity: true})
	b.store = claims.NewStore(rdb, claims.Config{})
	t.Cleanup(func() {
		b.store.Close()
		_ = rdb.Close()
	})
	for i := range b.owners {
		b.redis.FlushAll()
		b.owners[i] = b.claim()
		for _, k := range b.redis.Keys() {
			if strings.Contains(k, ":c:") {
				b.key = k
			}
		}
		b.tokens[i] = b.fields()[2]
	}
	return b
}

func (b *scriptBook) claim() *claims.Claim {
	c, err := b.store.Claim(b.t.Context(), b.request)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// fields are those of the record, as scripts.go has them: state, fingerprint,
// owner, until, sent, before, letter, reply.
func (b *scriptBook) fields() []string {
	v, _ := b.redis.Get(b.key)
	f := strings.SplitN(v, "|", 8)
	if v != "" && len(f) != 8 {
		b.t.Fatalf("a record of another form: %q", v)
	}
	return f
}

// token returns a token of owner h that the record does not hold.
func (b *scriptBook) token(r claimRecord, h int) uint8 {
	if strings.Contains(b.records[r], b.tokens[2*h]) {
		return uint8(2*h + 1)
	}
	return uint8(2 * h)
}

// alive says whether a lease runs.
func (b *scriptBook) alive(r claimRecord) bool {
	return r != 0 && strings.Split(b.records[r], "|")[3] != ""
}

// done says whether the record is a done marker.
func (b *scriptBook) done(r claimRecord) bool { return strings.HasPrefix(b.records[r], "d|") }

// step takes a step at a record.
func (b *scriptBook) step(r claimRecord, s claimStep, arg stepArg) claimed {
	k := bookKey{r, s, arg}
	out, ok := b.known[k]
	if !ok {
		out = b.run(r, s, arg)
		b.known[k] = out
	}
	return out
}

func (b *scriptBook) run(r claimRecord, s claimStep, arg stepArg) (out claimed) {
	b.redis.Del(b.key)
	if r != 0 {
		_ = b.redis.Set(b.key, b.records[r]) // in memory
	}
	ctx, c := b.t.Context(), b.owners[arg.token]
	letter := fmt.Sprint("L", arg.letter)
	var err error
	switch s {
	case stepClaim:
		got := b.claim()
		out.verdict = got.Verdict
		if got.Verdict == claims.Dead {
			_, _ = fmt.Sscanf(got.Letter, "L%d", &out.letter)
		}
		if slices.Contains([]claims.Verdict{claims.New, claims.Uncertain, claims.Answered}, got.Verdict) {
			f := b.fields()
			f[2] = b.tokens[arg.token] // the new token, by the name it has in the model
			_ = b.redis.Set(b.key, strings.Join(f, "|"))
		}
	case stepSent:
		err = b.store.Sent(ctx, c)
	case stepRelease:
		err = b.store.Release(ctx, c)
	case stepAnswered:
		err = b.store.Answered(ctx, c, []byte("r"))
	case stepDone:
		err = b.store.Done(ctx, c)
	case stepDead:
		err = b.store.Dead(ctx, c, letter)
	case stepDecide:
		request := b.request
		request.DecisionID = fmt.Sprint("d", arg.decision)
		var acted bool
		if acted, err = b.store.Decide(ctx, request, letter, decisionsOfModel[arg.kind]); err == nil && !acted {
			err = claims.ErrLost
		}
	case stepUndo:
		request := b.request
		request.DecisionID = fmt.Sprint("d", arg.decision)
		var acted bool
		if acted, err = b.store.Undo(ctx, request, letter, fmt.Sprint("L", arg.again)); err == nil && !acted {
			err = claims.ErrLost
		}
	case stepExpire:
		f := b.fields()
		f[3] = ""
		_ = b.redis.Set(b.key, strings.Join(f, "|"))
	case stepForget:
		b.redis.Del(b.key)
	}
	out.ok = err == nil
	if err != nil && !errors.Is(err, claims.ErrLost) {
		b.t.Fatal(err)
	}
	out.record = b.intern()
	return out
}

// intern gives the record in Redis its place in the book.
func (b *scriptBook) intern() claimRecord {
	v, _ := b.redis.Get(b.key)
	if i := slices.Index(b.records, v); i >= 0 {
		return claimRecord(i)
	}
	b.records = append(b.records, v)
	if len(b.records) > 255 {
		b.t.Fatal("more records than the model has room for")
	}
	return claimRecord(len(b.records) - 1)
}
