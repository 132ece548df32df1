// Package failpoint stops a hub between any two steps of a message's life, so
// that what a crash at that very step leaves behind is tried and not waited for.
//
// It exists only in programs built with the tag failpoints; in all others Hit is
// an empty function that the compiler removes. Such a program reads
//
//	HUB_FAILPOINT=point[@route]:action[:nth],...
//
// and does the action when the point is reached for the nth time (default 1), on
// that route or on any. The actions:
//
//	exit     end the process at once, as SIGKILL would
//	stop     SIGSTOP to itself: a zombie, until somebody sends SIGCONT
//	panic    panic there
//	sleep=d  wait for the duration d
//
// HUB_CLOCK=+10m makes the clock of such a program go wrong; see Now.
package failpoint

// A Point is a place between two steps. They are listed in the order in which a
// message meets them.
type Point string

// The points.
const (
	Assigned   Point = "assigned"   // partitions are given, nothing is read
	Indexed    Point = "indexed"    // parked and dead are read, the sources open
	Fetched    Point = "fetched"    // records have come, no lane has them
	Claimed    Point = "claimed"    // the claim is ours
	Marked     Point = "marked"     // person markers are written
	Sent       Point = "sent"       // the claim says sent, nothing has left
	Written    Point = "written"    // bytes of the request have left
	Responded  Point = "responded"  // the system has answered
	Answered   Point = "answered"   // the claim keeps the answer
	Published  Point = "published"  // the replies are written
	Done       Point = "done"       // the claim is finished
	Committing Point = "committing" // offsets are about to be committed
	Committed  Point = "committed"  // they are
	Released   Point = "released"   // a claim was given back
	Parked     Point = "parked"     // entries are written to the parked topic
	Through    Point = "through"    // it is noted that parked entries are finished
	Dying      Point = "dying"      // the claim says dead, the letter is not written
	Buried     Point = "buried"     // the letter is written
	Decided    Point = "decided"    // a decision has changed the claim
	Resolving  Point = "resolving"  // a decision is carried out, not yet noted as resolved
	Resolved   Point = "resolved"   // it is
	Draining   Point = "draining"   // partitions are being handed over
	Stopping   Point = "stopping"   // the process was told to stop
)

// Points are all of them.
func Points() []Point {
	return []Point{Assigned, Indexed, Fetched, Claimed, Marked, Sent, Written, Responded, Answered, Published, Done,
		Committing, Committed, Released, Parked, Through, Dying, Buried, Decided, Resolving, Resolved, Draining, Stopping}
}
