package intake_test

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kandashub/topics/intake"

	"go.yaml.in/yaml/v3"
)

type operation struct {
	Responses map[string]struct {
		Ref string `yaml:"$ref"`
	} `yaml:"responses"`
}

type openAPI struct {
	Paths      map[string]map[string]operation `yaml:"paths"`
	Components struct {
		Schemas struct {
			Problem struct {
				Properties struct {
					Type struct {
						Enum []string `yaml:"enum"`
					} `yaml:"type"`
				} `yaml:"properties"`
			} `yaml:"Problem"`
		} `yaml:"schemas"`
		Responses map[string]struct {
			Description string `yaml:"description"`
		} `yaml:"responses"`
	} `yaml:"components"`
}

// codes returns the problem codes that the document gives to a status.
func (d openAPI) codes(t *testing.T, o operation, status int) []string {
	t.Helper()
	response, ok := o.Responses[strconv.Itoa(status)]
	if !ok {
		t.Fatalf("status %d is not documented", status)
	}
	name := response.Ref[strings.LastIndex(response.Ref, "/")+1:]
	return strings.Split(d.Components.Responses[name].Description, ", ")
}

// The document is held against the handler: what it serves is answered, each
// status and problem that the handler gives is documented, and none is
// documented that the handler cannot give.
func TestOpenAPI(t *testing.T) {
	h, k := open(t)
	get := call{method: http.MethodGet, path: "/openapi.yaml"}.send(h)
	if get.Code != http.StatusOK || get.Header().Get("Content-Type") != "application/yaml" {
		t.Fatalf("GET /openapi.yaml: %d %v", get.Code, get.Header())
	}
	var doc openAPI
	if err := yaml.Unmarshal(get.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if got, want := slices.Sorted(maps.Keys(doc.Paths)), []string{"/openapi.yaml", "/v1/topics/{topic}/events"}; !slices.Equal(got, want) {
		t.Errorf("documented paths: %v", got)
	}
	events := doc.Paths["/v1/topics/{topic}/events"]["post"]

	given := map[string]bool{}               // problem types
	statuses := map[string]bool{"202": true} // of the events
	note := func(path string, status int, code string) {
		given[intake.TypePrefix+code] = true
		if strings.HasPrefix(path, "/v1/") {
			statuses[strconv.Itoa(status)] = true
			if !slices.Contains(doc.codes(t, events, status), code) {
				t.Errorf("%d %s is not documented", status, code)
			}
		}
	}
	for _, r := range refusals(t) {
		note(r.call.path, r.call.send(h).Code, r.code)
	}
	k.fail = errors.New("away")
	note(requestPath, valid(t).send(h).Code, intake.Unavailable)
	note(requestPath, http.StatusInternalServerError, intake.Internal) // for what must not happen

	if got, want := slices.Sorted(maps.Keys(events.Responses)), slices.Sorted(maps.Keys(statuses)); !slices.Equal(got, want) {
		t.Errorf("documented statuses %v, given %v", got, want)
	}
	if got, want := slices.Sorted(slices.Values(doc.Components.Schemas.Problem.Properties.Type.Enum)), slices.Sorted(maps.Keys(given)); !slices.Equal(got, want) {
		t.Errorf("documented problems %v, given %v", got, want)
	}
	if w := (call{method: http.MethodHead, path: "/openapi.yaml"}).send(h); w.Code != http.StatusOK {
		t.Errorf("HEAD /openapi.yaml: %d", w.Code)
	}
}
