package target

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Addresses are where a target listens; it prints them as one line of JSON.
type Addresses struct {
	Calls string `json:"calls"`
	Admin string `json:"admin"`
}

// Serve answers calls until ctx ends. It says on w where.
func Serve(ctx context.Context, w io.Writer) error {
	calls, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("target: %w", err)
	}
	defer calls.Close()
	admin, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("target: %w", err)
	}
	s := &server{}
	h := &http.Server{Handler: s.admin(), ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { h.Close() })
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(admin) }()
	if err := json.NewEncoder(w).Encode(Addresses{calls.Addr().String(), admin.Addr().String()}); err != nil {
		return fmt.Errorf("target: %w", err)
	}
	if err := s.serve(ctx, calls); err != nil {
		return err
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("target: admin: %w", err)
	}
	return nil
}

// admin serves what Client asks.
func (s *server) admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /run", func(w http.ResponseWriter, r *http.Request) {
		var run Run
		if err := json.NewDecoder(r.Body).Decode(&run); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.book.Store(newBook(run))
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /counts", s.noted(func(w http.ResponseWriter, r *http.Request, b *book) {
		effects, _ := strconv.Atoi(r.FormValue("effects"))
		c, err := b.wait(r.Context(), effects)
		if err == nil {
			_ = json.NewEncoder(w).Encode(c) // who asked has gone
		}
	}))
	mux.HandleFunc("GET /times", s.noted(func(w http.ResponseWriter, _ *http.Request, b *book) {
		arrived, answered := b.times()
		out, _ := binary.Append(nil, binary.LittleEndian, append(arrived, answered...)) // numbers always encode
		_, _ = w.Write(out)
	}))
	// Traces come here, too, where a bench asks for them: they are read and dropped.
	mux.HandleFunc("POST /v1/traces", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	return mux
}

func (s *server) noted(h func(http.ResponseWriter, *http.Request, *book)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b := s.book.Load()
		if b == nil {
			http.Error(w, "no run has begun", http.StatusConflict)
			return
		}
		h(w, r, b)
	}
}

// A Client tells a target what comes and asks what came.
type Client struct{ Admin string }

// Begin begins a run: calls of others are answered, but not noted.
func (c Client) Begin(ctx context.Context, r Run) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, http.MethodPost, "/run", body)
	return err
}

// Wait returns once the run has come to so many effects.
func (c Client) Wait(ctx context.Context, effects int) (Counts, error) {
	var out Counts
	answer, err := c.do(ctx, http.MethodGet, "/counts?effects="+strconv.Itoa(effects), nil)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(answer, &out)
}

// Counts are those of now.
func (c Client) Counts(ctx context.Context) (Counts, error) { return c.Wait(ctx, 0) }

// Times says when the effect of each message came and was answered: Unix times
// in nanoseconds, 0 for what did not come.
func (c Client) Times(ctx context.Context) (arrived, answered []int64, err error) {
	answer, err := c.do(ctx, http.MethodGet, "/times", nil)
	if err != nil {
		return nil, nil, err
	}
	all := make([]int64, len(answer)/8)
	if _, err := binary.Decode(answer, binary.LittleEndian, all); err != nil {
		return nil, nil, err
	}
	return all[:len(all)/2], all[len(all)/2:], nil
}

func (c Client) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.Admin+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s: %s", resp.Status, bytes.TrimSpace(answer))
	}
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	return answer, nil
}
