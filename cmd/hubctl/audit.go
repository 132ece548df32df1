package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"kandashub/topics/control"
)

type auditCmd struct {
	List   auditListCmd   `cmd:"" help:"List what operators did, the last at the end."`
	Verify auditVerifyCmd `cmd:"" help:"Check that no record was changed, taken out or moved."`
	Export auditExportCmd `cmd:"" help:"Print all records as they were written, one JSON object a line."`
}

// read returns the whole audit.
func (k kafkaFlags) readAudit(ctx context.Context) ([]control.AuditRecord, error) {
	ctx, cancel := context.WithTimeout(ctx, k.Timeout)
	defer cancel()
	cluster, err := k.reach(ctx)
	if err != nil {
		return nil, err
	}
	defer cluster.Close()
	return control.ReadAudit(ctx, cluster)
}

type auditListCmd struct {
	kafkaFlags
	outputFlag
	Last        int    `default:"50" help:"So many records (${default}); 0: all."`
	Actor       string `help:"Of this person."`
	Action      string `help:"Actions that begin with this, such as discard."`
	Object      string `help:"About what begins with this, such as a route."`
	Since       string `help:"Of that time or later: 2026-01-31T12:00:00Z, or 24h ago."`
	filterSince filterFlags
}

// Validate reads --since.
func (c *auditListCmd) Validate() error {
	c.filterSince.Since = c.Since
	return c.filterSince.Validate()
}

// takes says whether a record was asked for.
func (c *auditListCmd) takes(r control.AuditRecord) bool {
	return (c.Actor == "" || c.Actor == r.Actor) && strings.HasPrefix(r.Action, c.Action) && strings.HasPrefix(r.Object, c.Object) &&
		!r.Time.Before(c.filterSince.since)
}

// Run prints the records.
func (c *auditListCmd) Run(ctx context.Context, stdout io.Writer) error {
	records, err := c.readAudit(ctx)
	if err != nil {
		return err
	}
	records = slices.DeleteFunc(records, func(r control.AuditRecord) bool { return !c.takes(r) })
	if c.Last > 0 && len(records) > c.Last {
		records = records[len(records)-c.Last:]
	}
	if len(records) == 0 {
		return fmt.Errorf("no record is like that: %w", errNothing)
	}
	return c.print(stdout, records, func(t io.Writer) { tableAudit(t, records) })
}

func tableAudit(t io.Writer, records []control.AuditRecord) {
	fmt.Fprintln(t, "TIME\tWHO\tFROM\tACTION\tOBJECT\tUNTIL\tBEFORE\tRESULT\tWHY\tDETAIL")
	for _, r := range records {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", when(r.Time, "?"), r.Actor, cmp.Or(r.From, "-"), r.Action, r.Object,
			when(r.Until, "-"), cmp.Or(r.Before, "-"), r.Result, r.Reason, r.Detail)
	}
}

type auditVerifyCmd struct {
	kafkaFlags
	outputFlag
	Export string `arg:"" optional:"" type:"existingfile" help:"What audit export has printed; the topic if not given."`
	File   string `type:"existingfile" help:"The same."`
}

// An auditVerdict is what audit verify found.
type auditVerdict struct {
	Whole   bool        `json:"whole"`
	Records int         `json:"records"`
	Writers int         `json:"writers"`
	Fault   *auditFault `json:"fault,omitempty"` // the first record that is not as it was written
}

type auditFault struct {
	Writer string `json:"writer,omitempty"`
	Seq    int    `json:"seq"`
	Offset int64  `json:"offset"` // in hub.audit; -1 where it is not known
	What   string `json:"what"`
}

// Run fails at the first record that is not as it was written, and names it.
func (c *auditVerifyCmd) Run(ctx context.Context, stdout io.Writer) error {
	var records []control.AuditRecord
	var err error
	if file := cmp.Or(c.Export, c.File); file != "" {
		records, err = readExport(file)
	} else {
		records, err = c.readAudit(ctx)
	}
	if err != nil {
		return err
	}
	found := control.VerifyAudit(records)
	verdict := verdictOf(records, found)
	if verdict.Whole || c.Output != "table" {
		err = c.print(stdout, verdict, func(t io.Writer) { tellVerdict(t, verdict) })
	}
	return cmp.Or(found, err)
}

func tellVerdict(t io.Writer, v auditVerdict) {
	fmt.Fprintf(t, "%d records of %d writers are as they were written\n", v.Records, v.Writers)
}

func verdictOf(records []control.AuditRecord, found error) auditVerdict {
	writers := map[string]bool{}
	for _, r := range records {
		writers[r.Writer] = true
	}
	v := auditVerdict{Whole: found == nil, Records: len(records), Writers: len(writers)}
	var f *control.AuditFault
	if errors.As(found, &f) {
		v.Fault = &auditFault{f.Writer, f.Seq, f.Offset, f.What}
	}
	return v
}

// readExport reads what audit export has printed.
func readExport(name string) (records []control.AuditRecord, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		r, _ := control.DecodeAudit(append([]byte(nil), lines.Bytes()...)) // VerifyAudit says what is wrong
		records = append(records, r)
	}
	return records, lines.Err()
}

type auditExportCmd struct{ kafkaFlags }

func (c *auditExportCmd) Run(ctx context.Context, stdout io.Writer) error {
	records, err := c.readAudit(ctx)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(stdout)
	for _, r := range records {
		_, _ = w.Write(append(r.Written(), '\n')) // Flush tells
	}
	return w.Flush()
}
