// Package topics holds messages and their delivery: everything that the hub
// does with Kafka, and the life of one message. It knows nothing of adapters.
//
// Read delivery.go first, with call.go, reply.go and outcome.go. Then consumer.go and generation.go (who is given
// which partitions), partition.go, lane.go and parking.go (what one partition number does
// with its records), fetch.go and producer.go (the ways in and out).
//
// # What is promised
//
// Nothing is lost. An offset is committed only when its message is finished,
// which means answered and published, or parked, or a dead letter that a person
// decides of. Nothing goes to the dead letters because a system is down.
//
// Nothing is done twice. A message has one effect at its system, across crashes,
// rebalances, frozen processes and repeats, by a claim in Redis (package claims)
// and the operation's effect contract:
//
//	read only, C1   the system bears a repeat: repeated under the same id
//	C2              asked what became of it, no earlier than sent + call + settle,
//	                and repeated only where it surely never arrived
//	C3              never repeated by machine: another system is asked, or a person
//
// Order is kept for each application within a route, while applications run side
// by side. A dead letter holds its application: what follows waits, in order,
// until a person has replayed, answered or discarded it (hubctl dead). A letter
// that cannot be trusted, because it is no message or says it is somebody else's,
// holds nobody. A discard can be undone as long as the done marker lives: the
// letter holds its application again, but what has followed meanwhile has passed,
// so that its replay comes after it (undo.go).
//
// Readers of the hub's topics get each reply at least once, perhaps again much
// later, always under the same id and with the same content.
//
// # On which conditions
//
//	Kafka   acks=all is always asked for; with three brokers min.insync.replicas=2
//	        and no unclean leader election. Parked and dead topics have no end
//	        (retention.ms=-1), group offsets outlive the longest stop of the hub
//	        (offsets.retention.minutes). All topics of a route have HUB_PARTITIONS
//	        partitions; producers choose them by murmur2. Partitions are never added
//	        to a topic in use, topics never made again: the routes stop and say so.
//	Redis   7 or newer, noeviction and an append-only file; appendfsync always where
//	        a C3 route runs. hub check looks at all of this.
//	Clocks  leases run on Redis' clock and on each process' monotonic one, which need
//	        not agree. Wall clocks may be minutes apart.
//	Systems an effect that comes at all comes within call + settle, and what a C2
//	        system or the register says after that is true.
//
// # Lost claims
//
// Each hash tag of a route has a counter in Redis that only rises. A hub that sees
// one go back, or misses one although its group has worked, writes the loss to
// hub.control before its next claim (loss.go). C2 and C3 routes of all hubs then
// wait until a person accepts it (hubctl claims accept), not before settle has
// passed. From then on a C2 message from before the acceptance is asked about
// first, and a generation of an IIN goes back to the register. Routes that bear a
// repeat go on throughout.
//
// # What is not promised
//
// A C3 call that was cut off between "sent" and its answer is a dead letter of
// class uncertain: a person looks it up. Microseconds lie between the last check
// of a lease and the system call. A tail that Redis loses, or an old copy that it
// is restored from, while all hubs are down shows only by counters that are
// missing altogether. A producer that uses two partitioners for one key has no
// order between them. Records that Kafka deletes before they were read are gone:
// the route stops at the gap. A group whose offsets Kafka has deleted reads its
// parked topic from the start, perhaps after the done markers ended. A dead letter
// that Kafka deletes before it is decided has lost its message: a stand-in holds
// its application until a person discards that (lost.go). While more members come
// and go than a rebalance takes, nobody gets any partition.
//
// cmd/verify tries all of this on real processes: make verify.
//
// # Concurrency
//
// One goroutine owns each partition number of a route: its lanes, its index and
// its offset trackers. Others post functions to it. Attempts at messages run on
// goroutines of their own, which call the system as many at once as it bears
// (limit.go) and touch nothing but their messages; what stands one behind the other
// in a lane is carried by one of them in series (series.go). All of it belongs to
// one generation of the consumer group and is thrown away whole with it.
//
// # Outcomes
//
// What has become of a message is reported where it is finished (report.go) and
// written to hub.outcomes beside its path (package outcomes), with the attempts
// before its last one (tries.go) and the pauses of its route for which it has waited
// (pauses.go). The committer waits for that, nobody else does.
//
// # Waiting
//
// An unavailable message waits in its lane. A key that fails while its
// operation answers others, or that holds back the window, is parked: its
// messages move in order to the route's parked topic, later ones follow, and
// they come back in order. While the route is paused (a set of named reasons,
// the open breaker among them) nothing is called, parked or counted.
package topics
