package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

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
	cluster := k.cluster()
	defer cluster.Close()
	return control.ReadAudit(ctx, cluster)
}

type auditListCmd struct {
	kafkaFlags
	outputFlag
	Last int `default:"50" help:"So many records (${default}); 0: all."`
}

func (c *auditListCmd) Run(ctx context.Context, stdout io.Writer) error {
	records, err := c.readAudit(ctx)
	if err != nil {
		return err
	}
	if c.Last > 0 && len(records) > c.Last {
		records = records[len(records)-c.Last:]
	}
	if c.Output == "json" {
		return printJSON(stdout, records)
	}
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "TIME\tWHO\tACTION\tOBJECT\tRESULT\tWHY\tDETAIL")
	for _, r := range records {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", when(r.Time, "?"), r.Actor, r.Action, r.Object, r.Result, r.Reason, r.Detail)
	}
	return t.Flush()
}

type auditVerifyCmd struct {
	kafkaFlags
	File string `arg:"" optional:"" type:"existingfile" help:"What audit export has printed; the topic if not given."`
}

// Run fails at the first record that is not as it was written, and names it.
func (c *auditVerifyCmd) Run(ctx context.Context, stdout io.Writer) error {
	var records []control.AuditRecord
	var err error
	if c.File != "" {
		records, err = readExport(c.File)
	} else {
		records, err = c.readAudit(ctx)
	}
	if err != nil {
		return err
	}
	if err := control.VerifyAudit(records); err != nil {
		return err
	}
	writers := map[string]bool{}
	for _, r := range records {
		writers[r.Writer] = true
	}
	fmt.Fprintf(stdout, "%d records of %d writers are as they were written\n", len(records), len(writers))
	return nil
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
