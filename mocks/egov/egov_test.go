package egov

import (
	"strings"
	"testing"

	"github.com/beevik/etree"

	"kandashub/mocks"
	"kandashub/mocks/shep"
)

var valid = `<data><k:notification xmlns:k="urn:kandashub:egov:notification:v1"><updatedValues><code>processing_status</code><values><domainItemData>` +
	`<code>PACKAGE_REFUSED</code><kkValue>қ</kkValue><ruValue>р</ruValue></domainItemData></values></updatedValues>` +
	`<externalRequestChainId>c</externalRequestChainId><externalRequestId>egov-1</externalRequestId><processingStatus>COMPLETED</processingStatus>` +
	`<resolutionType>NEGATIVE</resolutionType><eventId>e</eventId><grounds><ground>2</ground></grounds>` +
	`<document><format>xml</format><value>` + shep.Escape(mocks.SignXML("<a></a>")) + `</value></document></k:notification></data>`

func request(t *testing.T, data string) shep.Request {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(data); err != nil {
		t.Fatal(err)
	}
	return shep.Request{MessageID: "egov-1.a", MessageType: "NOTIFICATION", CorrelationID: "c", Data: doc.Root()}
}

func TestReadHoldsTheContract(t *testing.T) {
	e, kind, err := read(request(t, valid))
	if err != nil || e.Application != "egov-1" || e.Event != "e" || e.Detail != "package-refused, grounds (2)" || kind != "package-refused" {
		t.Fatalf("read %+v, %q, %v", e, kind, err)
	}
	for name, replace := range map[string][]string{
		"one language":        {"<kkValue>қ</kkValue>", ""},
		"an empty text":       {"<ruValue>р</ruValue>", "<ruValue/>"},
		"another namespace":   {"urn:kandashub:egov", "urn:other"},
		"qualified children":  {"<externalRequestId>egov-1</externalRequestId>", "<k:externalRequestId>egov-1</k:externalRequestId>"},
		"another chain":       {">c</externalRequestChainId>", ">d</externalRequestChainId>"},
		"not a status":        {"processing_status", "other"},
		"two notices":         {"</data>", "<a/></data>"},
		"unsigned":            {"<format>xml</format>", ""},
		"changed afterwards":  {"&lt;/a", " &lt;/a"},
		"of another one":      {"<externalRequestId>egov-1", "<externalRequestId>egov-2"},
		"without event":       {"<eventId>e</eventId>", ""},
		"without application": {"<externalRequestId>egov-1</externalRequestId>", ""},
	} {
		t.Run(name, func(t *testing.T) {
			data := strings.NewReplacer(replace...).Replace(valid)
			if data == valid {
				t.Fatal("nothing is spoiled")
			}
			if _, _, err := read(request(t, data)); err == nil {
				t.Error("accepted")
			}
		})
	}
	t.Run("not a notification", func(t *testing.T) {
		q := request(t, valid)
		q.MessageType = "REQUEST"
		if _, _, err := read(q); err == nil {
			t.Error("accepted")
		}
	})
}
