package broker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// A Client sets faults of an embedded Kafka that another process serves.
type Client struct {
	admin string
	http  *http.Client
}

// NewClient returns a client of the broker whose admin address this is.
func NewClient(admin string) *Client {
	return &Client{admin: "http://" + admin, http: &http.Client{
		Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true},
	}}
}

// A Handle refers to a fault that was set. It ends with the broker's process,
// as the fault does.
type Handle struct {
	client *Client
	path   string
}

// Fault sets a fault.
func (c *Client) Fault(ctx context.Context, f Fault) (*Handle, error) {
	var id faultID
	if err := c.do(ctx, http.MethodPost, "/faults", f, &id); err != nil {
		return nil, err
	}
	return &Handle{c, fmt.Sprintf("/faults/%d", id.ID)}, nil
}

// ClearFaults removes all faults.
func (c *Client) ClearFaults(ctx context.Context) error {
	return c.do(ctx, http.MethodDelete, "/faults", nil, nil)
}

// MoveLeader makes another broker lead a partition; brokers count from 0.
func (c *Client) MoveLeader(ctx context.Context, topic string, partition, node int) error {
	return c.do(ctx, http.MethodPost, "/leader", leader{topic, int32(partition), int32(node)}, nil)
}

// RehashCoordinators gives groups other coordinators; it needs several brokers.
func (c *Client) RehashCoordinators(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "/coordinators", nil, nil)
}

// Hits is how many requests the fault has struck.
func (h *Handle) Hits(ctx context.Context) (int, error) {
	var hits faultHits
	err := h.client.do(ctx, http.MethodGet, h.path, nil, &hits)
	return hits.Hits, err
}

// Remove ends the fault and returns how many requests it has struck.
func (h *Handle) Remove(ctx context.Context) (int, error) {
	var hits faultHits
	err := h.client.do(ctx, http.MethodDelete, h.path, nil, &hits)
	return hits.Hits, err
}

func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.admin+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("broker's admin: %w", err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return fmt.Errorf("broker's admin: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("broker's admin: %s: %s", resp.Status, strings.TrimSpace(string(said)))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(said, out)
}
