//go:build !race

package contract_test

import (
	"testing"

	"kandashub/topics"
)

// What a check of a good payload may allocate, as measured; more fails.
func TestAllocations(t *testing.T) {
	c := load(t)
	for _, s := range []struct {
		topic string
		m     topics.Message
		most  float64
	}{
		{"migration.notifications", topics.Message{Type: "kz.hub.notification.v1", Source: "hub", Subject: "migration-1899-000001"}, 7},
		{"migration.applications", topics.Message{Type: "kz.migration.application.submitted.v1", Source: "migration", Subject: "migration-1899-000001"}, 20},
	} {
		s.m.Data = sample(t, s.m.Type)
		if err := c.Check(s.topic, s.m); err != nil {
			t.Fatal(err)
		}
		if got := testing.AllocsPerRun(200, func() { _ = c.Check(s.topic, s.m) }); got > s.most {
			t.Errorf("%s: %v allocations, the figure on record is %v", s.m.Type, got, s.most)
		}
	}
}
