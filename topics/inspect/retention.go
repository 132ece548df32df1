package inspect

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/topics/contract"
)

// The settings of a topic that say when Kafka deletes records.
const (
	settingRetention = "retention.ms"
	settingPolicy    = "cleanup.policy"
)

// checkRetention names the topics whose records Kafka deletes earlier than the
// contract says. What is kept without end there are letters that nobody has decided
// yet and messages that wait behind them: their deletion is a loss.
func checkRetention(ctx context.Context, r *Report, client *kafka.Client, agreed *contract.Contract) {
	var asked []kafka.DescribeConfigRequestResource
	for _, t := range agreed.Topics() {
		asked = append(asked, kafka.DescribeConfigRequestResource{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: t.Name, ConfigNames: []string{settingRetention, settingPolicy},
		})
	}
	resp, err := client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: asked})
	if err != nil {
		r.Warn("topics", "how long they keep records cannot be told (%v)", err)
		return
	}
	for _, resource := range resp.Resources {
		t, _ := agreed.Topic(resource.ResourceName) // it was asked for
		for _, e := range resource.ConfigEntries {
			switch want := t.Config[e.ConfigName]; {
			case want == "": // as the retention of a topic that is only compacted
			case e.ConfigName == settingPolicy && !slices.Equal(policies(e.ConfigValue), policies(want)):
				r.Fail("topics", "%s has %s=%s and the contract says %s: records are deleted that are needed, or none ever; set it with Kafka's kafka-configs",
					t.Name, settingPolicy, e.ConfigValue, want)
			case e.ConfigName == settingRetention && kept(e.ConfigValue) < kept(want):
				r.Fail("topics", "%s keeps records for %s and the contract says %s: what has not been read or decided by then is lost; set %s=%s with Kafka's kafka-configs",
					t.Name, age(e.ConfigValue), age(want), settingRetention, want)
			}
		}
	}
}

// policies are the parts of a policy, whose order means nothing.
func policies(s string) []string { return slices.Sorted(strings.SplitSeq(s, ",")) }

// kept is a retention in milliseconds. Without end, or where there is none, it is the
// longest that there is.
func kept(ms string) int64 {
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil || n < 0 {
		return math.MaxInt64
	}
	return n
}

// age is a retention for people.
func age(ms string) string {
	n := kept(ms)
	if n == math.MaxInt64 {
		return "ever"
	}
	return (time.Duration(n) * time.Millisecond).String()
}
