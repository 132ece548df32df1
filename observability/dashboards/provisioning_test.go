package dashboards

import (
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"
)

const provisioning = "../../deploy/grafana/provisioning"

// dataSources and providers are Grafana's formats, with the fields that we use.
type dataSources struct {
	APIVersion  int `yaml:"apiVersion"`
	Datasources []struct {
		Name, UID, Type, Access, URL string
		IsDefault                    bool `yaml:"isDefault"`
		Editable                     bool
		JSONData                     struct {
			HTTPMethod     string `yaml:"httpMethod"`
			TimeInterval   string `yaml:"timeInterval"`
			PrometheusType string `yaml:"prometheusType"`
			Exemplars      []struct {
				Name            string
				DatasourceUID   string `yaml:"datasourceUid"`
				URLDisplayLabel string `yaml:"urlDisplayLabel"`
			} `yaml:"exemplarTraceIdDestinations"`
		} `yaml:"jsonData"`
	}
}

type providers struct {
	APIVersion int `yaml:"apiVersion"`
	Providers  []struct {
		Name, Folder, Type    string
		FolderUID             string `yaml:"folderUid"`
		DisableDeletion       bool   `yaml:"disableDeletion"`
		AllowUIUpdates        *bool  `yaml:"allowUiUpdates"`
		UpdateIntervalSeconds int    `yaml:"updateIntervalSeconds"`
		Options               struct {
			Path                      string
			FoldersFromFilesStructure bool `yaml:"foldersFromFilesStructure"`
		}
	}
}

// strict reads a file that may have no field that Grafana would pass over.
func strict(t *testing.T, file string, into any) {
	t.Helper()
	f, err := os.Open(filepath.Join(provisioning, file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func TestProvisioning(t *testing.T) {
	var sources dataSources
	strict(t, "datasources/kandashub.yaml", &sources)
	uids := map[string]string{}
	for _, s := range sources.Datasources {
		if s.UID == "" || s.URL == "" || s.Access != "proxy" || s.Editable {
			t.Errorf("the data source %s is not complete: %+v", s.Name, s)
		}
		uids[s.UID] = s.Type
	}
	for _, s := range sources.Datasources {
		if s.Type != "prometheus" {
			continue
		}
		if len(s.JSONData.Exemplars) != 1 || s.JSONData.Exemplars[0].Name != "trace_id" || uids[s.JSONData.Exemplars[0].DatasourceUID] != "tempo" {
			t.Errorf("exemplars lead to %+v, not to a store of traces", s.JSONData.Exemplars)
		}
		if !s.IsDefault || s.JSONData.TimeInterval == "" {
			t.Errorf("%s is not the default, or does not say how often it scrapes", s.Name)
		}
	}
	if uids["prometheus"] != "prometheus" {
		t.Error("no Prometheus among the data sources")
	}

	var boards providers
	strict(t, "dashboards/kandashub.yaml", &boards)
	if len(boards.Providers) != 1 || sources.APIVersion != 1 || boards.APIVersion != 1 {
		t.Fatalf("one provider of boards is wanted, and version 1: %+v", boards)
	}
	p := boards.Providers[0]
	if p.Type != "file" || p.AllowUIUpdates == nil || *p.AllowUIUpdates || !p.DisableDeletion || p.Options.Path == "" {
		t.Errorf("boards could be changed where nobody reviews them: %+v", p)
	}
}
