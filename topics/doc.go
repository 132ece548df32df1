// Package topics holds messages and their delivery: everything that the hub
// does with Kafka, and the life of one message. It knows nothing of adapters.
//
// Read delivery.go first, with call.go, reply.go and outcome.go. Then consumer.go and generation.go (who is given
// which partitions), partition.go, lane.go and parking.go (what one partition number does
// with its records), fetch.go and producer.go (the ways in and out).
//
// # What is promised
//
// Nothing is lost: an offset is committed only when its message is finished,
// which means answered and published, or parked, or a dead letter. Nothing is
// done twice: a message has one effect at its system, across crashes,
// rebalances and repeats, by a claim in Redis (package claims) and the
// operation's effect contract; where nobody can know, a person is asked. Order
// is kept per application, while different applications run side by side.
//
// Order lives in Kafka alone; Redis holds only claims on effects. Losing Redis
// can never reorder, and losing a hub never loses.
//
// # What stays open
//
// Microseconds between the last check of a lease and the system call. A tail
// that Redis loses while all hubs are down, or an old copy that it is restored
// from: each hash tag has a counter that shows such a loss, but the hub does
// not act on it by itself. A producer that uses two partitioners for one key.
// A consumer group whose offsets Kafka has deleted (offsets.retention.minutes)
// reads its parked topic from the start, perhaps after the done markers ended.
//
// # Concurrency
//
// One goroutine owns each partition number of a route: its lanes, its index and
// its offset trackers. Others post functions to it. Attempts at messages run on
// goroutines of their own, as many at once as the route has slots, and touch
// nothing but their message. All of it belongs to one generation of the
// consumer group and is thrown away whole with it.
//
// # Waiting
//
// An unavailable message waits in its lane. A key that fails while its
// operation answers others, or that holds back the window, is parked: its
// messages move in order to the route's parked topic, later ones follow, and
// they come back in order. While the route is paused (a set of named reasons,
// the open breaker among them) nothing is called, parked or counted.
package topics
