package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"kandashub/observability"
	"kandashub/topics/control"
)

// An auditCache keeps hub.audit for a moment, so that paging through it does not
// read it anew.
type auditCache struct {
	mu      sync.Mutex
	at      time.Time
	records []control.AuditRecord
	fault   error
}

// read returns all records, and what is wrong with them.
func (a *auditCache) read(ctx context.Context, c *control.Commands) (records []control.AuditRecord, fault error, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.at) < freshFor {
		return a.records, a.fault, nil
	}
	records, err = control.ReadAudit(ctx, c.Cluster)
	if err != nil {
		return nil, nil, err
	}
	a.at, a.records, a.fault = time.Now(), records, control.VerifyAudit(records)
	return a.records, a.fault, nil
}

// An auditQuery chooses records; what is empty chooses all.
type auditQuery struct{ Actor, Action, Object, Result string }

func (q auditQuery) takes(r control.AuditRecord) bool {
	has := func(text, part string) bool {
		return part == "" || strings.Contains(strings.ToLower(text), strings.ToLower(part))
	}
	return has(r.Actor, q.Actor) && has(r.Action, q.Action) && has(r.Object, q.Object) && (q.Result == "" || r.Result == q.Result)
}

// auditPage shows what operators did, youngest first.
func (v *visit) auditPage() error {
	values := v.r.URL.Query()
	q := auditQuery{Actor: values.Get("actor"), Action: values.Get("action"), Object: values.Get("object"), Result: values.Get("result")}
	page, err := readQuery(values)
	if err != nil {
		return err
	}
	records, fault, err := v.audit.read(v.r.Context(), v.cfg.Commands)
	if err != nil {
		return err
	}
	var found []control.AuditRecord
	for _, r := range slices.Backward(records) {
		if q.takes(r) {
			found = append(found, r)
		}
	}
	from := min((page.Page-1)*pageSize, len(found))
	said := ""
	var f *control.AuditFault
	if errors.As(fault, &f) {
		said = observability.Mask(f.Error())
	}
	values.Del("page")
	return v.show(http.StatusOK, "audit", map[string]any{
		"Query": q, "Records": found[from:min(from+pageSize, len(found))], "Total": len(found), "All": len(records), "Fault": said,
		"Page": page.Page, "Pages": max(1, (len(found)+pageSize-1)/pageSize), "Prev": page.Page - 1, "Next": page.Page + 1,
		"Results": []string{control.Asked, control.Done, control.Refused, control.Failed}, "Base": "/audit?" + values.Encode(),
	})
}

// auditExport gives all records as they were written, one a line, for
// hubctl audit verify.
func (v *visit) auditExport() error {
	records, _, err := v.audit.read(v.r.Context(), v.cfg.Commands)
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/jsonl")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="hub-audit-%s.jsonl"`, time.Now().UTC().Format("20060102T150405Z")))
	for _, r := range records {
		if _, err := v.w.Write(append(slices.Clone(r.Written()), '\n')); err != nil {
			return nil // the browser has left
		}
	}
	return nil
}
