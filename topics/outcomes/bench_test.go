package outcomes

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"kandashub/topics"
)

// BenchmarkSearch finds applications among a million outcomes, ten of each
// application, and reports what the index takes:
//
//	go test ./topics/outcomes -run '^$' -bench Search -benchtime 5000x
//
// OUTCOMES is another number of them.
func BenchmarkSearch(b *testing.B) {
	total := 1_000_000
	if n, err := strconv.Atoi(os.Getenv("OUTCOMES")); err == nil {
		total = n
	}
	dir := b.TempDir()
	before := resident(b)
	s, err := openStore(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.close() }()
	began := time.Now()
	fill(b, s, total)
	loading := time.Since(began)
	x := &Index{store: s}
	var applications, messages []time.Duration
	for b.Loop() {
		n := rand.IntN(total)
		began := time.Now()
		found, err := x.History(b.Context(), application(n, total))
		applications = append(applications, time.Since(began))
		if err != nil || len(found) != 10 {
			b.Fatalf("%d outcomes of %s: %v", len(found), application(n, total), err)
		}
		began = time.Now()
		one, err := x.Message(b.Context(), found[0].ID)
		messages = append(messages, time.Since(began))
		if err != nil || len(one) != 1 {
			b.Fatalf("%d outcomes of message %s: %v", len(one), found[0].ID, err)
		}
	}
	b.ReportMetric(loading.Seconds(), "load-s")
	b.ReportMetric(p99(applications), "application-p99-ms")
	b.ReportMetric(p99(messages), "message-p99-ms")
	b.ReportMetric(resident(b)-before, "resident-MiB")
	b.ReportMetric(size(b, dir), "disk-MiB")
}

func application(n, total int) string { return fmt.Sprintf("egov-2026-%07d", n%(total/10)) }

// fill stores outcomes as a rebuild does.
func fill(b *testing.B, s *store, total int) {
	const fetched = 4000 // in one fetch
	var entries []entry
	for n := range total {
		o := full()
		o.Application, o.ID = application(n, total), uuid.NewSHA1(uuid.Nil, fmt.Append(nil, n)).String()
		o.Offset, o.Result, o.Letter, o.Class, o.Code = int64(n), topics.ResultDelivered, "", "", ""
		o.Finished = noon.Add(time.Duration(n) * time.Millisecond)
		entries = append(entries, entry{keyOf(&o), o, appendJSON(nil, &o)})
		if len(entries) == fetched || n == total-1 {
			if err := s.put(b.Context(), n%8, int64(n), entries); err != nil {
				b.Fatal(err)
			}
			entries = entries[:0]
		}
	}
}

func p99(all []time.Duration) float64 {
	slices.Sort(all)
	return all[len(all)*99/100].Seconds() * 1000
}

// resident is the memory of this process, in MiB, garbage left out; 0 where the
// system does not say.
func resident(b *testing.B) float64 {
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if kib, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.Atoi(strings.Fields(kib)[0])
			if err != nil {
				b.Fatal(err)
			}
			return float64(n) / 1024
		}
	}
	return 0
}

// size is what a folder holds, in MiB.
func size(b *testing.B, dir string) (mib float64) {
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			mib += float64(info.Size()) / (1 << 20)
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return mib
}
