package dashboards

import (
	"embed"
	"io/fs"
)

//go:embed *.json
var files embed.FS

// Files are the boards as Grafana reads them, each named after its UID, with .json.
func Files() fs.FS { return files }
