package dashboards

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

var update = flag.Bool("update", false, "write the boards' files anew")

// TestFiles holds the files that Grafana reads against the code.
func TestFiles(t *testing.T) {
	var want []string
	for _, b := range Boards() {
		out, err := b.JSON()
		if err != nil {
			t.Fatal(err)
		}
		file := b.UID + ".json"
		want = append(want, file)
		if *update {
			if err := os.WriteFile(file, out, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(file); err != nil || !bytes.Equal(have, out) {
			t.Errorf("%s is not what the code makes (%v): run go test ./observability/dashboards -run TestFiles -update", file, err)
		}
	}
	have, err := filepath.Glob("*.json")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("the files are %v, the boards %v", have, want)
	}
}

// A boardFile is what the tests read of a board's file: they look at what Grafana
// is given, not at how it was made.
type boardFile struct {
	UID, Title, Description string
	Editable                *bool
	Tags                    []string
	Links                   []link
	Templating              struct{ List []variable }
	Annotations             struct{ List []annotation }
	Panels                  []panel
}

type link struct {
	Type, URL             string
	Tags                  []string
	IncludeVars, KeepTime bool
}

type variable struct {
	Type, Name, Label, AllValue string
	Query                       json.RawMessage
	Datasource                  source
	Multi, IncludeAll           bool
	Refresh                     int
}

type source struct{ Type, UID string }

type annotation struct {
	Name, Expr string
	Datasource source
}

type panel struct {
	Type, Title, Description string
	ID                       int
	Datasource               source
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []query
	Links                    []link
	FieldConfig              struct {
		Defaults  struct{ Unit string }
		Overrides []struct {
			Properties []struct {
				ID    string
				Value json.RawMessage
			}
		}
	}
}

type query struct {
	RefID, Expr, LegendFormat string
	Datasource                source
	Exemplar                  bool
}

// boardFiles reads the files of all boards, in their order.
func boardFiles(t *testing.T) (out []boardFile) {
	t.Helper()
	for _, b := range Boards() {
		data, err := os.ReadFile(b.UID + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var f boardFile
		if err := json.Unmarshal(data, &f); err != nil {
			t.Fatalf("%s.json: %v", b.UID, err)
		}
		out = append(out, f)
	}
	return out
}
