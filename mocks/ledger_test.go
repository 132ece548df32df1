package mocks

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func openLedger(t *testing.T, path string) *Ledger {
	t.Helper()
	l, err := OpenLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func ids(effects []Effect) (out []string) {
	for _, e := range effects {
		out = append(out, e.ID)
	}
	return out
}

// Every effect is in the file, whole and once, whoever records beside it, and
// the watcher has been told of it, in the file's order.
func TestLedgerKeepsConcurrentRecords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	l := openLedger(t, path)
	var watched []Effect
	l.Watch(func(e Effect) { watched = append(watched, e) })
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if err := l.Record(Effect{System: "s", Operation: "o", ID: string(rune('A' + i))}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	again := openLedger(t, path).Effects()
	if len(again) != 50 {
		t.Fatalf("file holds %d effects, want 50", len(again))
	}
	if diff := cmp.Diff(ids(l.Effects()), ids(again)); diff != "" {
		t.Errorf("memory and file differ:\n%s", diff)
	}
	if diff := cmp.Diff(ids(again), ids(watched)); diff != "" {
		t.Errorf("watcher and file differ:\n%s", diff)
	}
	if again[0].At.IsZero() {
		t.Error("effect has no time")
	}
}

func TestLedgerCutsATornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	whole := `{"at":"2026-11-22T09:00:00Z","system":"s","operation":"o","id":"1"}` + "\n"
	if err := os.WriteFile(path, []byte(whole+`{"at":"2026-11-22T09:00:01Z","sys`), 0o600); err != nil {
		t.Fatal(err)
	}
	l := openLedger(t, path)
	if err := l.Record(Effect{ID: "2"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1", "2"}, ids(openLedger(t, path).Effects())); diff != "" {
		t.Errorf("after a torn line (-want +got):\n%s", diff)
	}
}

func TestLedgerRefusesADamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	if err := os.WriteFile(path, []byte("nonsense\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := OpenLedger(path); err == nil {
		l.Close()
		t.Error("a damaged ledger was opened")
	}
}
