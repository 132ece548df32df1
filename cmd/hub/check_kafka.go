package main

import (
	"context"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

// enoughMemory is how long Kafka should remember the offsets of a group whose
// hubs are all down.
const enoughMemory = 30 * 24 * time.Hour

// checkOffsets warns of brokers that forget a group soon: a hub that starts
// after that reads its parked topics from the start, and what was finished there
// is called again once its done marker has ended.
func checkOffsets(ctx context.Context, r *report, client *kafka.Client, broker int) {
	const setting = "offsets.retention.minutes"
	resp, err := client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{{
		ResourceType: kafka.ResourceTypeBroker, ResourceName: strconv.Itoa(broker), ConfigNames: []string{setting},
	}}})
	var kept time.Duration
	if err == nil {
		for _, resource := range resp.Resources {
			for _, e := range resource.ConfigEntries {
				if minutes, err := strconv.Atoi(e.ConfigValue); err == nil && e.ConfigName == setting {
					kept = time.Duration(minutes) * time.Minute
				}
			}
		}
	}
	switch {
	case kept == 0:
		r.warn("kafka", "cannot tell %s: the broker does not show its settings to us; ask who runs it (30 days or more are advised)", setting)
	case kept < enoughMemory:
		r.warn("kafka", "forgets a route whose hubs are all down for %.0f days, and then reads its parked messages from the start: set %s to %.0f or more",
			kept.Hours()/24, setting, enoughMemory.Minutes())
	default:
		r.ok("kafka", "remembers a route whose hubs are all down for %.0f days", kept.Hours()/24)
	}
}
