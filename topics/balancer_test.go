package topics

import (
	"fmt"
	"testing"

	"github.com/segmentio/kafka-go"
)

func TestBalancerKeepsOneNumberTogether(t *testing.T) {
	topics := []string{"a", "b", "r.parked", "r.dead"}
	var partitions []kafka.Partition
	for _, topic := range topics {
		for id := range 8 {
			partitions = append(partitions, kafka.Partition{Topic: topic, ID: id})
		}
	}
	for n := 1; n <= 9; n++ {
		members := []kafka.GroupMember{{ID: "old", Topics: topics[:2]}} // an older version, without parked and dead
		for i := range n {
			members = append(members, kafka.GroupMember{ID: fmt.Sprintf("m%d", i), Topics: topics})
		}
		got := balancer{}.AssignGroups(members, partitions)
		owner := map[int]string{}
		count := 0
		for member, assigned := range got {
			for topic, ids := range assigned {
				for _, id := range ids {
					count++
					if o, ok := owner[id]; ok && o != member {
						t.Errorf("%d members: number %d of %s went to %s, of another topic to %s", n, id, topic, member, o)
					}
					owner[id] = member
				}
			}
		}
		if count != len(partitions) {
			t.Errorf("%d members: %d of %d partitions assigned", n, count, len(partitions))
		}
		if len(got["old"]) != 0 {
			t.Errorf("a member that does not subscribe to all topics was given %v", got["old"])
		}
	}
}
