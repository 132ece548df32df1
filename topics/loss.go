package topics

import (
	"context"
	"time"

	"kandashub/topics/claims"
)

// Losses is what all hubs know of claims that Redis has lost. While a loss
// stands, C2 and C3 routes wait under PauseClaims; whoever keeps Losses pauses
// and resumes them.
type Losses interface {
	// Report writes a loss down where every hub reads it, unless one stands
	// already. It does not give up while ctx lasts.
	Report(ctx context.Context, route string, tags ...int) error

	// Accepted is when a person accepted the latest loss, by this hub's clock;
	// zero if there was none.
	Accepted() time.Time
}

// claimsLost is what becomes of a claim that shows that Redis has lost data: the
// loss is written down first. An operation that bears a repeat then goes on; the
// claim of any other is given back, and the route waits for a person.
func (l *life) claimsLost(ctx context.Context) (out outcome, settled bool) {
	l.Log.Error("redis has lost claims", "route", l.Route.Name, "tag", l.claim.Tag, "count", l.claim.Count)
	bears := l.Route.Operation.Effect.sentAtOnce()
	if !bears {
		l.Gate.Pause(PauseClaims, 0) // before the report: nobody may lift it in between
	}
	if l.Losses.Report(ctx, l.Route.Name, l.claim.Tag) != nil {
		return outcome{kind: stopped}, true
	}
	if bears {
		return out, false
	}
	var err error
	switch l.claim.Verdict {
	case claims.New, claims.Uncertain, claims.Answered:
		err = l.giveBack(ctx, nil)
	}
	if err != nil {
		return l.failed(ctx, err), true
	}
	return outcome{kind: paused, after: l.Timing.BackoffMost}, true
}

// forgotten says whether a new claim says nothing: the message is older than a
// loss of claims that a person has accepted, so an earlier attempt may have
// reached the system.
func (l *life) forgotten() bool {
	return l.claim.Verdict == claims.New && l.msg.RootTime.Before(l.accepted())
}

// accepted is when the latest loss of claims was accepted.
func (d *Delivery) accepted() time.Time {
	if d.Losses == nil {
		return time.Time{}
	}
	return d.Losses.Accepted()
}
