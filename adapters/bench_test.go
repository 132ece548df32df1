package adapters_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"kandashub/adapters"
)

// BenchmarkCall is one call of 1 KiB over loopback; the server's share is in it.
func BenchmarkCall(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)         //nolint:errcheck
		io.WriteString(w, `{"notice":"1"}`) //nolint:errcheck
	}))
	defer srv.Close()
	for _, callers := range []int{1, 64} {
		b.Run("callers="+strconv.Itoa(callers), func(b *testing.B) {
			c, err := adapters.NewClient(adapters.Config{System: "test", URL: srv.URL, MaxConns: 512})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			body := make([]byte, 1024)
			b.ReportAllocs()
			b.SetParallelism((callers + 1) / 2)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
					_, err := c.Do(adapters.WithLease(ctx, time.Now().Add(5*time.Second)), adapters.Request{
						Operation: "try", Path: "/x", ContentType: "application/json", Body: body,
						Header: http.Header{"X-Message-Id": {"1"}},
					})
					cancel()
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
