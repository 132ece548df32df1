package inspect

import (
	"context"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/topics"
	"kandashub/topics/contract"
)

// CheckKafka tries the brokers, by the addresses that they give to clients, and
// holds the topics against the contract. It says whether Kafka answers at all.
func CheckKafka(ctx context.Context, r *Report, cluster *topics.Cluster, brokers []string, agreed *contract.Contract, partitions int) (answers bool) {
	ctx, cancel := context.WithTimeout(ctx, 3*tryFor)
	defer cancel()
	meta, err := cluster.Client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{}})
	if err != nil {
		r.Fail("kafka", "no broker answers at %s (%v): look at HUB_KAFKA and the network", strings.Join(brokers, ", "), err)
		return false
	}
	for _, b := range meta.Brokers {
		addr := net.JoinHostPort(b.Host, strconv.Itoa(b.Port))
		if err := Dial(ctx, addr); err != nil {
			r.Fail("kafka", "broker %d calls itself %s, which does not answer (%v): look at its advertised.listeners", b.ID, addr, err)
		} else {
			r.OK("kafka", "broker %d answers at %s", b.ID, addr)
		}
	}
	if len(meta.Brokers) > 0 {
		checkOffsets(ctx, r, cluster.Client, meta.Brokers[0].ID)
	}
	problems, err := agreed.Missing(ctx, cluster.Client, partitions, nil)
	if err != nil {
		r.Fail("topics", "cannot be listed (%v)", err)
		return true
	}
	var missing []string
	for _, p := range problems {
		if p.Partitions == 0 {
			missing = append(missing, p.Topic)
		} else {
			r.Fail("topics", "%s: set HUB_PARTITIONS, or make the topic anew; its routes do not start", p)
		}
	}
	if len(missing) > 0 {
		r.Fail("topics", "missing: %s; run hubctl topics create", strings.Join(missing, ", "))
	}
	checkRetention(ctx, r, cluster.Client, agreed)
	if len(problems) == 0 {
		r.OK("topics", "%d topics are as the contract says, with %d partitions", len(agreed.Topics()), partitions)
	}
	return true
}

// enoughMemory is how long Kafka should remember the offsets of a group whose
// hubs are all down.
const enoughMemory = 30 * 24 * time.Hour

// checkOffsets warns of brokers that forget a group soon: a hub that starts
// after that reads its parked topics from the start, and what was finished there
// is called again once its done marker has ended.
func checkOffsets(ctx context.Context, r *Report, client *kafka.Client, broker int) {
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
		r.Warn("kafka", "cannot tell %s: the broker does not show its settings to us; ask who runs it (30 days or more are advised)", setting)
	case kept < enoughMemory:
		r.Warn("kafka", "forgets a route whose hubs are all down for %.0f days, and then reads its parked messages from the start: set %s to %.0f or more",
			kept.Hours()/24, setting, enoughMemory.Minutes())
	default:
		r.OK("kafka", "remembers a route whose hubs are all down for %.0f days", kept.Hours()/24)
	}
}
