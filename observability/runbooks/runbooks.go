// Package runbooks holds what to do when an alert fires: one page for each, named
// after it, with Meaning, Impact, Diagnosis and Mitigation. [Files] are the pages,
// which are to be served where the alerts' links lead (hubctl alerts rules).
package runbooks

import (
	"embed"
	"io/fs"
)

//go:embed *.md
var files embed.FS

// Files are the pages, each named after its alert, with .md.
func Files() fs.FS { return files }
