package eds

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"strings"
	"testing"
	"time"

	"kandashub/topics"
)

// Whatever document is signed: if it counts as saying what is told, another
// reader of XML finds the same there, once each.
func FuzzStatement(f *testing.F) {
	told := Statement{ApplicationID: "egov-1", EventType: "decided", Number: "17", Date: "2026-11-22", Result: "assign"}
	good := `<s:statement xmlns:s="urn:kandashub:statement:v1"><application_id>egov-1</application_id><event_type>decided</event_type>` +
		`<number> 17</number><date>2026-11-22</date><result>assign</result><paper><number>9</number></paper></s:statement>`
	f.Add([]byte(good))
	f.Add([]byte(strings.Replace(good, "17", "<![CDATA[17]]>", 1)))
	f.Add([]byte(strings.Replace(good, "17", "1<!-- -->7", 1)))
	f.Add([]byte(strings.Replace(good, "</s:", "<result xmlns='u'>refuse</result></s:", 1)))
	f.Add([]byte(strings.Replace(good, "<paper>", "<x:Signature xmlns:x='x'><x:SignedInfo><x:Reference URI='#a'/></x:SignedInfo></x:Signature><paper>", 1)))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY n "17">]>` + strings.Replace(good, "17", "&n;", 1)))
	f.Fuzz(func(t *testing.T, doc []byte) {
		if !told.saidIn(doc) || !wellFormed(string(doc)) { // what is not well formed was refused before
			return
		}
		var other struct {
			XMLName       xml.Name `xml:"urn:kandashub:statement:v1 statement"`
			ApplicationID []string `xml:"application_id"`
			EventType     []string `xml:"event_type"`
			Number        []string `xml:"number"`
			Date          []string `xml:"date"`
			Result        []string `xml:"result"`
		}
		if err := xml.Unmarshal(doc, &other); err != nil {
			t.Fatalf("another reader: %v", err)
		}
		for want, got := range map[string][]string{
			told.ApplicationID: other.ApplicationID, told.EventType: other.EventType, told.Number: other.Number, told.Date: other.Date, told.Result: other.Result,
		} {
			if len(got) != 1 || strings.TrimSpace(got[0]) != want {
				t.Fatalf("another reader finds %q, want %q", got, want)
			}
		}
	})
}

// Whatever NCANode answers, a signature is good only if NCANode says valid, and
// every certificate is valid, in time and not revoked, one of them for signing.
func FuzzJudge(f *testing.F) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	c := &Client{now: func() time.Time { return now }}
	const good = `{"valid":true,"revocations":[{"revoked":false}],"notBefore":"2020-01-01T00:00:00.000+0000","notAfter":1900000000000,"keyUsage":"SIGN","keyUser":["CEO"]}`
	f.Add(true, []byte(`{"valid":true,"signers":[{"certificates":[`+good+`]}]}`))
	f.Add(false, []byte(`{"valid":true,"signers":[`+good+`]}`))
	f.Add(true, []byte(`{"valid":true,"signers":[{"signers":[{}]},{}]}`))
	f.Add(false, []byte(`{"valid":null,"signers":[{"notAfter":""}]}`))
	f.Fuzz(func(t *testing.T, cms bool, answer []byte) {
		var a verifyAnswer
		if err := json.Unmarshal(answer, &a); err != nil || a.Valid == nil {
			return
		}
		reason, err := c.judge(a, cms)
		if err != nil {
			if failure := new(topics.Failure); reason != "" || !errors.As(err, &failure) || failure.Class != topics.Unavailable {
				t.Fatalf("reason %q beside %v", reason, err)
			}
			return
		}
		if reason != "" {
			return
		}
		var all []certificate
		for _, s := range a.Signers {
			if cms {
				all = append(all, s.ofCMS()...)
			} else {
				all = append(all, s.certificate)
			}
		}
		signing := false
		for _, x := range all {
			signing = signing || x.KeyUsage == "SIGN"
			if !x.Valid || x.revoked() || x.NotBefore.After(now) || !x.NotAfter.IsZero() && x.NotAfter.Before(now) {
				t.Fatalf("good with the certificate %+v", x)
			}
		}
		if !*a.Valid || len(all) == 0 || !signing {
			t.Fatalf("good: %s", answer)
		}
	})
}
