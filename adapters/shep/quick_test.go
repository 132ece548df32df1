package shep

import (
	"slices"
	"strings"
	"testing"
)

// Shapes of acknowledgements as gateways and their frameworks write them.
var usualAnswers = []string{
	ackAnswer,
	"\uFEFF<?xml version='1.0' encoding='UTF-8'?>\r\n" + ackAnswer + "\n",
	`<?xml version="1.0" encoding="UTF-8"?>` + strings.Replace(ackAnswer, "<s:Body>", `<s:Header >
<wsse:Security xmlns:wsse="w" s:mustUnderstand='1'><ds:Signature xmlns:ds="d" Id="SIG-1"><ds:SignatureValue>QUJD&#13;
RA==</ds:SignatureValue><ds:KeyInfo/></ds:Signature></wsse:Security></s:Header ><s:Body wsu:Id="id-1" xmlns:wsu="u">`, 1),
	// As a gateway without prefixes would.
	`<Envelope xmlns="http://www.w3.org/2003/05/soap-envelope"><Body><sendMessageResponse xmlns="a"><response xmlns=""><properties><key>a &amp; b</key><value/></properties>
<sessionId/><responseDate>2026-04-06T10:20:01+05:00</responseDate><status><messageId>x</messageId></status><messageId>
 m-1 </messageId></response></sendMessageResponse></Body></Envelope>`,
}

func TestUsualAnswersAreReadQuickly(t *testing.T) {
	for _, doc := range usualAnswers {
		got, ok := quick([]byte(doc), "sendMessageResponse", []string{"messageId", "sessionId", "responseDate"})
		if !ok || !slices.Equal(got, []string{"m-1", "", "2026-04-06T10:20:01+05:00"}) {
			t.Errorf("got %q, %v of %s", got, ok, doc)
		}
	}
	if got, ok := quick([]byte(stateAnswer("DELIVERED")), "getMessageStatusResponse", []string{"messageState"}); !ok || got[0] != "DELIVERED" {
		t.Errorf("got %q, %v", got, ok)
	}
}

// What is not plain, or no answer, is left to the thorough reader.
func TestQuickLeavesTheRest(t *testing.T) {
	in := func(old, instead string) string { return strings.Replace(ackAnswer, old, instead, 1) }
	for name, doc := range map[string]string{
		"nothing":                "",
		"a DOCTYPE":              "<!DOCTYPE x>" + ackAnswer,
		"another charset":        `<?xml version="1.0" encoding="windows-1251"?>` + ackAnswer,
		"not UTF-8":              in("m-1", "\xff"),
		"a control character":    in("m-1", "\x01"),
		"no character":           in("m-1", "\uFFFF"),
		"a comment":              in("m-1", "m<!-- x -->-1"),
		"CDATA":                  in("m-1", "<![CDATA[m-1]]>"),
		"a reference in a text":  in("m-1", "m&amp;1"),
		"an unknown reference":   in("1000001", "&nbsp;"),
		"a bracket too many":     in("1000001", "]]>"),
		"an attribute twice":     in("<response>", `<response a="1" a="2">`),
		"no space before one":    in("<response>", `<response a="1"b="2">`),
		"a tag in an attribute":  in("<response>", `<response a="<">`),
		"an end tag of another":  in("</correlationId>", "</correlationid>"),
		"an id twice":            in("<correlationId>1000001</correlationId>", "<messageId/>"),
		"elements in an id":      in("m-1", "<x/>"),
		"two responses":          in("<response>", "<response/><response>"),
		"two bodies":             in("<s:Body>", "<s:Body/><s:Body>"),
		"two elements in a body": in("<s:Body>", "<s:Body><x/>"),
		"another operation":      strings.ReplaceAll(ackAnswer, "sendMessageResponse", "SendMessageResponse"),
		"no response":            strings.ReplaceAll(ackAnswer, "response>", "answer>"),
		"a fault":                faultAnswer("s:Client", "X", ""),
		"cut":                    ackAnswer[:len(ackAnswer)-1],
		"a second root":          ackAnswer + "<x/>",
		"text after":             ackAnswer + "x",
		"text before":            "x" + ackAnswer,
		"too deep":               in("<response>", "<response>"+nested(quickDepth)),
		"too long":               ackAnswer + strings.Repeat(" ", quickBytes),
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok := quick([]byte(doc), "sendMessageResponse", []string{"messageId"}); ok {
				t.Errorf("read %q", got)
			}
		})
	}
}

// FuzzQuick holds that what the quick reader reads, the thorough one, which
// stands on encoding/xml, reads the same.
func FuzzQuick(f *testing.F) {
	for _, doc := range usualAnswers {
		f.Add(doc)
	}
	for _, piece := range []string{
		`<a b="1" c:d='2>'>&lt;&#13;</a >`, "<messageId> \u00a0x </messageId>", "<a:messageId>]]&gt;</a:messageId>", "<response/>",
		"<Header><messageId/></Header>", "]]", "<?xml version=\"1.0\"?>", "<!-- -->", "<![CDATA[x]]>", nested(12), "</response><response>", "<a:b:c/>", "<a:/>", "<:a/>", "\uFFFD\u007f", "<a.-1/>",
	} {
		f.Add(piece)
	}
	names := []string{"messageId", "sessionId", "responseDate"}
	f.Fuzz(func(t *testing.T, piece string) {
		for _, doc := range []string{
			piece, ackAnswer + piece, strings.Replace(ackAnswer, "m-1", piece, 1), strings.Replace(ackAnswer, "<response>", "<response>"+piece, 1),
			strings.Replace(ackAnswer, "<s:Body>", piece+"<s:Body>", 1), strings.Replace(ackAnswer, "<response>", "<response "+piece+">", 1),
		} {
			got, ok := quick([]byte(doc), "sendMessageResponse", names)
			if !ok {
				continue
			}
			inner, err := open([]byte(doc))
			if err != nil || inner.Tag != "sendMessageResponse" {
				t.Fatalf("quick reads what open does not: %v: %q", err, doc)
			}
			var r reader
			response := r.child(inner, "response")
			for i, name := range names {
				if want := r.text(response, name); got[i] != want {
					t.Fatalf("%s is %q, want %q: %q", name, got[i], want, doc)
				}
			}
			if response == nil || r.err != nil {
				t.Fatalf("quick reads what is wrong: %v: %q", r.err, doc)
			}
		}
	})
}
