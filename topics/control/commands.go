package control

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/contract"
)

// Commands are all that an operator may do. Each writes "asked" to hub.audit
// before it takes effect, and what came of it after that. Their methods may be
// called by many goroutines at once. A rule that forbids a command gives a
// *Refusal.
type Commands struct {
	Cluster  *topics.Cluster
	Producer *topics.Producer
	Store    *Store // whose Run runs
	Audit    *Audit
	Routes   []string      // that exist; see Routes
	Settle   time.Duration // HUB_SETTLE_C3: how long a system may still carry out a call

	Metrics Metrics // may be nil
}

// Metrics counts what goes wrong with commands. What operators do is counted by a
// [Tally].
type Metrics interface {
	AuditFailed() // a record of hub.audit could not be written
}

// The actions, as hub.audit and metrics name them.
const (
	actionPause       = "pause route"
	actionDrain       = "drain route"
	actionResume      = "resume route"
	actionForceOpen   = "force breaker " + ForceOpen
	actionForceClosed = "force breaker " + ForceClosed
	actionRelease     = "release breaker"
	actionAcceptLoss  = "accept loss"
	actionReplay      = topics.DecideReplay + " letter"
	actionAnswer      = topics.DecideAnswer + " letter"
	actionDiscard     = topics.DecideDiscard + " letter"
	actionUndo        = topics.DecideUndo + " letter"
	actionRunPlan     = "run plan"
	actionCancelRun   = "cancel run"
	actionShowPayload = "show payload"
	actionExport      = "export payloads"
)

// Actions are all actions there are.
func Actions() []string {
	return []string{actionPause, actionDrain, actionResume, actionForceOpen, actionForceClosed, actionRelease, actionAcceptLoss,
		actionReplay, actionAnswer, actionDiscard, actionUndo, actionRunPlan, actionCancelRun, actionShowPayload, actionExport}
}

// AboutBreaker says whether an action, as a record has it, is about a breaker.
func AboutBreaker(action string) bool {
	return action == actionForceOpen || action == actionForceClosed || action == actionRelease
}

// AboutRoute says whether an action, as a record has it, pauses a route or has it go
// on.
func AboutRoute(action string) bool {
	return action == actionPause || action == actionDrain || action == actionResume
}

// An Order says who wants something, and why. Both are kept for ever, so they
// hold no personal data.
type Order struct {
	Who, Why string
	ID       string // of the request; made if empty
	From     string // IP address of who asks, perhaps with a port; empty where it came over no network
}

// address is From as the audit keeps it: without its port, and empty where it is no
// address.
func (o Order) address() string {
	if at, err := netip.ParseAddrPort(o.From); err == nil {
		return at.Addr().Unmap().String()
	}
	if at, err := netip.ParseAddr(o.From); err == nil {
		return at.Unmap().String()
	}
	return ""
}

// A Refusal is a rule that forbids a command. Nothing has happened.
type Refusal struct {
	Code    string // names the rule, for who says it in another language
	Reason  string // in English
	Args    []any  // what the reason tells of this case, in its order
	Missing bool   // what the command names is not there
}

func (r *Refusal) Error() string { return r.Reason }

func refuse(code, format string, args ...any) error {
	return &Refusal{Code: code, Reason: fmt.Sprintf(format, args...), Args: args}
}

func missing(code, format string, args ...any) error {
	return &Refusal{Code: code, Reason: fmt.Sprintf(format, args...), Args: args, Missing: true}
}

// Routes returns the names of all routes of the contract.
func Routes(c *contract.Contract) (names []string) {
	for _, t := range c.Topics() {
		if route, ok := strings.CutSuffix(t.Name, ".dead"); ok {
			names = append(names, route)
		}
	}
	return names
}

// Bounds of what an order may say.
const (
	maxWho = 100
	maxWhy = 1000
)

// check refuses an order that says too little, or what must not be kept.
func (o Order) check() error {
	switch {
	case strings.TrimSpace(o.Who) == "" || strings.TrimSpace(o.Why) == "":
		return refuse("order", "say who wants it and why")
	case len(o.Who) > maxWho || len(o.Why) > maxWhy:
		return refuse("order_long", "who is at most %d bytes long, and why %d", maxWho, maxWhy)
	case observability.Mask(o.Who) != o.Who || observability.Mask(o.Why) != o.Why:
		return refuse("order_personal", "who and why are kept for ever and hold no personal data: what stands there may be an IIN (twelve digits or more), a phone number or an e-mail address")
	}
	return nil
}

// Forms of what a command is about.
var (
	nameForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,200}$`)
	planForm = regexp.MustCompile(`^[0-9a-z]{1,13}-[0-9a-f]{32}$`)
)

// about names what a command is about, for the audit. It is written down before
// anybody knows whether there is such a thing, so what has not the form of a name is
// not kept.
func about(name string) string {
	if !nameForm.MatchString(name) {
		return size(name)
	}
	return observability.MaskID(name)
}

// aboutLetter is about for the id of a letter: a surname has the form of a name, too,
// but not that of an id. Each part is looked at by itself, for the UUID in it may end
// in twelve digits.
func aboutLetter(id string) string {
	if !topics.IsLetterID(id) {
		return size(id)
	}
	parts := strings.Split(id, ".")
	for i := range parts {
		parts[i] = observability.MaskID(parts[i])
	}
	return strings.Join(parts, ".")
}

// aboutPlan is about for the hash of a plan.
func aboutPlan(hash string) string {
	if !planForm.MatchString(hash) {
		return size(hash)
	}
	return hash
}

// carry does one command, between its records in hub.audit. do returns what is
// worth noting of what it did.
func (c *Commands) carry(ctx context.Context, o Order, action, object string, do func(ctx context.Context, o Order) (string, error)) error {
	return c.carryStep(ctx, o, AuditRecord{Action: action, Object: object}, func(ctx context.Context, o Order, _ *AuditRecord) (string, error) { return do(ctx, o) })
}

// carryStep is carry where more is to be on record than action and object: do may
// add to the record of the end.
func (c *Commands) carryStep(ctx context.Context, o Order, step AuditRecord, do func(ctx context.Context, o Order, end *AuditRecord) (string, error)) error {
	action := step.Action
	if err := o.check(); err != nil {
		return err // nothing of it may be kept
	}
	if o.ID == "" {
		o.ID = uuid.NewString()
	}
	step.Request, step.Actor, step.From, step.Reason, step.Result = o.ID, o.Who, o.address(), o.Why, Asked
	if err := c.write(ctx, step); err != nil {
		return fmt.Errorf("%s: nothing was done, for it cannot be put on record: %w", action, err)
	}
	detail, err := do(ctx, o, &step)
	step.Result, step.Detail = Done, detail
	var refused *Refusal
	switch {
	case errors.As(err, &refused):
		step.Result, step.Detail = Refused, observability.Mask(refused.Reason)
	case err != nil && detail != "": // what was done before it failed
		step.Result, step.Detail = Failed, detail+": "+observability.Mask(err.Error())
	case err != nil:
		step.Result, step.Detail = Failed, observability.Mask(err.Error())
	}
	// Who gives up now has still done what was done.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if noted := c.write(ctx, step); noted != nil {
		err = errors.Join(err, fmt.Errorf("%s: the end of the command is not on record: %w", action, noted))
	}
	return err
}

// write puts a step on record.
func (c *Commands) write(ctx context.Context, step AuditRecord) error {
	err := c.Audit.Write(ctx, step)
	if err != nil && c.Metrics != nil {
		c.Metrics.AuditFailed()
	}
	return err
}

// known refuses a route that does not exist.
func (c *Commands) known(route string) error {
	if !slices.Contains(c.Routes, route) {
		return missing("route", "there is no route %s", about(route))
	}
	return nil
}

// now returns the state as the topic has it at this moment.
func (c *Commands) now(ctx context.Context) (State, error) {
	if err := c.Store.Caught(ctx); err != nil {
		return State{}, err
	}
	return c.Store.State(), nil
}

// AcceptLoss lets C2 and C3 routes go on after a loss of Redis' data. It is
// refused until every call from before the loss must have ended.
func (c *Commands) AcceptLoss(ctx context.Context, o Order) error {
	return c.carry(ctx, o, actionAcceptLoss, KeyLoss, func(ctx context.Context, o Order) (string, error) {
		state, err := c.now(ctx)
		if err != nil {
			return "", err
		}
		loss := state.Loss
		if !loss.Standing() {
			return "", refuse("loss_none", "no loss of claims stands")
		}
		now := time.Now().UTC()
		if earliest := loss.At.Add(c.Settle); now.Before(earliest) {
			return "", refuse("loss_early", "a system may still carry out what was sent before the loss: it can be accepted from %s on", earliest.UTC().Format(time.RFC3339))
		}
		loss.AcceptedAt, loss.AcceptedBy, loss.Why = now, o.Who, o.Why
		return "the loss noticed at " + loss.At.UTC().Format(time.RFC3339), c.Store.Put(ctx, KeyLoss, loss)
	})
}
