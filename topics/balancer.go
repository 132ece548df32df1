package topics

import (
	"slices"
	"strings"

	"github.com/segmentio/kafka-go"
)

// balancer gives number p of all topics of a route to one member: a lane's
// source, parked and dead records must be in one place. Sorted members, sorted
// partition numbers, dealt in turn, among the members that subscribe to all of
// the topics.
type balancer struct{}

func (balancer) ProtocolName() string { return "kandashub-lanes" }

func (balancer) UserData() ([]byte, error) { return nil, nil }

func (balancer) AssignGroups(members []kafka.GroupMember, partitions []kafka.Partition) kafka.GroupMemberAssignments {
	topics := map[string][]int{}
	var numbers []int
	for _, p := range partitions {
		topics[p.Topic] = append(topics[p.Topic], p.ID)
		if !slices.Contains(numbers, p.ID) {
			numbers = append(numbers, p.ID)
		}
	}
	slices.Sort(numbers)
	var able []string
	out := kafka.GroupMemberAssignments{}
	for _, m := range members {
		out[m.ID] = map[string][]int{}
		all := true
		for t := range topics {
			all = all && slices.Contains(m.Topics, t)
		}
		if all {
			able = append(able, m.ID)
		}
	}
	if len(able) == 0 {
		return out
	}
	slices.SortFunc(able, strings.Compare)
	for i, n := range numbers {
		member := able[i%len(able)]
		for t, ids := range topics {
			if slices.Contains(ids, n) {
				out[member][t] = append(out[member][t], n)
			}
		}
	}
	return out
}
