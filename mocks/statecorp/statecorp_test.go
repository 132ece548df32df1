package statecorp

import (
	"strings"
	"testing"

	"github.com/beevik/etree"

	"kandashub/mocks"
	"kandashub/mocks/shep"
)

var valid = `<data><k:extension_decision xmlns:k="urn:kandashub:statecorp:extension-decision:v1"><application_id>a-1</application_id><event_id>e</event_id>` +
	`<kind>decided</kind><issued_at>2026-04-06T10:00:00+05:00</issued_at><text><kk>қ</kk><ru>р</ru></text><result>extend</result><number>1</number>` +
	`<date>2026-04-06</date><mio>m</mio><full_name>f</full_name><signature><format>cms</format><value>` + mocks.SignCMS([]byte("a")) + `</value></signature><grounds><ground>5</ground></grounds></k:extension_decision></data>`

func TestReadHoldsTheContract(t *testing.T) {
	request := func(t *testing.T, service, data string) shep.Request {
		doc := etree.NewDocument()
		if err := doc.ReadFromString(data); err != nil {
			t.Fatal(err)
		}
		return shep.Request{MessageID: "a-1.a", ServiceID: service, Data: doc.Root()}
	}
	const extension = "KANDAS_EXTENSION_DECISION"
	e, err := read(request(t, extension, valid))
	if err != nil || e.Application != "a-1" || e.Event != "e" || e.Detail != "decided, grounds (5)" {
		t.Fatalf("read %+v, %v", e, err)
	}
	for name, c := range map[string]struct {
		service string
		replace []string
	}{
		"no such service":    {"X", nil},
		"of another service": {"KANDAS_NOTIFICATION", nil},
		"unsigned":           {extension, []string{"<value>", "<value/><x>", "</value>", "</x>"}},
		"not of the head":    {extension, []string{"<format>cms", "<format>xml"}},
		"of another one":     {extension, []string{"a-1", "a-2"}},
		"one language":       {extension, []string{"<kk>қ</kk>", "<kk/>"}},
		"another namespace":  {extension, []string{"urn:kandashub:statecorp", "urn:other"}},
		"qualified children": {extension, []string{"<mio>m</mio>", "<k:mio>m</k:mio>"}},
		"two decisions":      {extension, []string{"</data>", "<a/></data>"}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := read(request(t, c.service, strings.NewReplacer(c.replace...).Replace(valid))); err == nil {
				t.Error("accepted")
			}
		})
	}
}
