package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"kandashub/mocks/samples"
)

// A driver plays flows: it does what people do at each system, by the systems'
// driver endpoints.
type driver struct {
	world  *world
	record *recorder
	client *http.Client
}

func newDriver(w *world, r *recorder) *driver {
	return &driver{world: w, record: r, client: &http.Client{Timeout: 30 * time.Second}}
}

// play starts every flow and returns when all steps are done. A flow whose
// fault would strike another is started alone. What a flow lacks is in the
// error, and keeps no other flow back.
func (d *driver) play(ctx context.Context, flows []samples.Flow) error {
	defer d.client.CloseIdleConnections()
	var errs []error
	for _, f := range flows {
		if f.Alone {
			errs = append(errs, d.alone(ctx, f))
		}
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, f := range flows {
		if f.Alone {
			continue
		}
		wg.Go(func() {
			if err := d.flow(ctx, f); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// alone plays a flow and waits until the faults that it switched on have all
// struck.
func (d *driver) alone(ctx context.Context, f samples.Flow) error {
	if err := d.flow(ctx, f); err != nil {
		return err
	}
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for d.armed() {
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: its fault has not struck: %w", f.Name, context.Cause(ctx))
		}
	}
	return nil
}

func (d *driver) armed() bool {
	for _, s := range d.world.systems {
		if len(s.Faults.Active()) > 0 {
			return true
		}
	}
	return false
}

func (d *driver) flow(ctx context.Context, f samples.Flow) error {
	d.world.register.Add(f.Persons...)
	for _, s := range f.Steps {
		if s.After != nil {
			if err := d.record.waitFor(ctx, *s.After); err != nil {
				return fmt.Errorf("%s: %s %s waits for %s: %w", f.Name, s.System, s.Path, describe(*s.After), err)
			}
		}
		if err := d.step(ctx, s); err != nil {
			return fmt.Errorf("%s: %s %s: %w", f.Name, s.System, s.Path, err)
		}
	}
	return nil
}

func (d *driver) step(ctx context.Context, s samples.Step) error {
	system := d.world.system(s.System)
	if system == nil {
		return errors.New("no such mock system")
	}
	body, err := json.Marshal(s.Body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, s.Method, "http://"+system.addr+s.Path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(answer[:min(len(answer), 300)])))
	}
	return nil
}
