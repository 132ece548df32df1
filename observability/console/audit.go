package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/semaphore"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/control"
)

// maxAudit is how many of the youngest records of hub.audit are kept, for the page
// and for what timelines tell of commands beside the decisions: about 6 MiB. spare
// more are kept at times. All are read once and checked; hubctl audit list, hubctl
// trace and the export have all.
const maxAudit, spare = 5000, 1000

// An auditCache follows hub.audit, while somebody looks.
type auditCache struct {
	turn   *semaphore.Weighted // held by who reads on; others wait no longer than they like
	reader *control.AuditReader
	at     time.Time
	young  []control.AuditRecord // at least maxAudit, if there are as many
}

// newAuditCache returns one that has read nothing yet.
func newAuditCache(c *topics.Cluster) *auditCache {
	return &auditCache{turn: semaphore.NewWeighted(1), reader: control.NewAuditReader(c)}
}

// A trail is hub.audit as the page shows it.
type trail struct {
	young []control.AuditRecord // the youngest, in their order
	all   int                   // records there are
	fault error                 // the first that is not as it was written
}

// read returns the audit, not older than freshFor.
func (a *auditCache) read(ctx context.Context, c *topics.Cluster) (trail, error) {
	if err := a.turn.Acquire(ctx, 1); err != nil {
		return trail{}, err
	}
	defer a.turn.Release(1)
	if time.Since(a.at) >= freshFor {
		err := a.follow(ctx)
		if errors.Is(err, kafka.OffsetOutOfRange) { // the topic was made again
			a.reader, a.young = control.NewAuditReader(c), nil
			err = a.follow(ctx)
		}
		if err != nil {
			return trail{}, err
		}
		a.at = time.Now()
	}
	return trail{a.young[max(0, len(a.young)-maxAudit):], a.reader.Count(), a.reader.Fault()}, nil
}

// follow reads on. Of what was handed out before, nothing is changed.
func (a *auditCache) follow(ctx context.Context) error {
	return a.reader.Read(ctx, func(r control.AuditRecord) error {
		if len(a.young) >= maxAudit+spare {
			a.young = slices.Clone(a.young[len(a.young)-maxAudit:])
		}
		a.young = append(a.young, r)
		return nil
	})
}

// An auditQuery chooses records; what is empty chooses all.
type auditQuery struct {
	Actor, Action, Object, Result string
	Since, Before                 time.Time // Before itself is left out

	typed url.Values // as it came
}

// readAuditQuery reads what records a page is about.
func readAuditQuery(values url.Values) (q auditQuery, err error) {
	get := func(name string) string { return strings.TrimSpace(values.Get(name)) }
	q = auditQuery{Actor: get("actor"), Action: get("action"), Object: get("object"), Result: get("result"), typed: values}
	if q.Action != "" && !slices.Contains(control.Actions(), q.Action) {
		return q, wrong("action", shorten(q.Action, 80))
	}
	q.Since, q.Before, err = readSpan(values)
	return q, err
}

// Field is a parameter as its field shows it.
func (q auditQuery) Field(name string) string { return q.typed.Get(name) }

func (q auditQuery) takes(r control.AuditRecord) bool {
	has := func(text, part string) bool {
		return part == "" || strings.Contains(strings.ToLower(text), strings.ToLower(part))
	}
	return has(r.Actor, q.Actor) && has(r.Object, q.Object) && (q.Action == "" || r.Action == q.Action) && (q.Result == "" || r.Result == q.Result) &&
		!r.Time.Before(q.Since) && (q.Before.IsZero() || r.Time.Before(q.Before))
}

// auditPage shows what operators did, youngest first.
func (v *visit) auditPage() error {
	values := v.r.URL.Query()
	mistake, status := "", http.StatusOK
	number, err := readPage(values)
	q, other := readAuditQuery(values)
	if err = cmp.Or(other, err); err != nil {
		if mistake, status, err = v.mistake(err); err != nil {
			return err
		}
	}
	trail, err := v.audit.read(v.r.Context(), v.cfg.Commands.Cluster)
	if err != nil {
		return err
	}
	var found []control.AuditRecord
	for _, r := range slices.Backward(trail.young) {
		if mistake == "" && q.takes(r) {
			found = append(found, r)
		}
	}
	from := min((number-1)*pageSize, len(found))
	said := ""
	var f *control.AuditFault
	if errors.As(trail.fault, &f) {
		said = observability.Mask(f.Error())
	}
	values.Del("page")
	return v.show(status, "audit", map[string]any{
		"Query": q, "Mistake": mistake, "Records": found[from:min(from+pageSize, len(found))], "Total": len(found), "All": trail.all, "Shown": len(trail.young), "Fault": said,
		"Page": number, "Pages": max(1, (len(found)+pageSize-1)/pageSize), "Prev": number - 1, "Next": number + 1,
		"Results": []string{control.Asked, control.Done, control.Refused, control.Failed}, "Actions": control.Actions(), "Base": "/audit?" + values.Encode(),
	})
}

// auditExport gives all records as they were written, one a line, for
// hubctl audit verify. It reads and writes piece by piece.
func (v *visit) auditExport() error {
	return v.weigh(func(ctx context.Context) error {
		h := v.w.Header()
		h.Set("Content-Type", "application/jsonl")
		h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="hub-audit-%s.jsonl"`, time.Now().UTC().Format("20060102T150405Z")))
		err := control.NewAuditReader(v.cfg.Commands.Cluster).Read(ctx, func(r control.AuditRecord) error {
			_, err := v.w.Write(append(slices.Clone(r.Written()), '\n'))
			return err
		})
		if err != nil && v.w.status != 0 {
			panic(http.ErrAbortHandler) // so that what has been sent is not taken for all
		}
		if err != nil {
			h.Del("Content-Disposition")
		}
		return err
	})
}
