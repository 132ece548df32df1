package eds_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"kandashub/adapters/eds"
	"kandashub/mocks"
	"kandashub/topics"
	"kandashub/topics/payload"
)

// A good signature over anything but what is told is a bad one.
func TestContentDiffers(t *testing.T) {
	c := newClient(t, newMock(t).Handler)
	reference := func(uri string) string {
		return document("</s:statement>", `<x:Signature xmlns:x="x"><x:SignedInfo><x:Reference URI="`+uri+`"/></x:SignedInfo></x:Signature></s:statement>`)
	}
	for name, tc := range map[string]struct {
		doc  string
		want string
	}{
		"the same":                       {document(), ""},
		"with spaces around":             {document("<number>17</number>", "<number> 17\n</number>"), ""},
		"signed as a whole":              {reference(""), ""},
		"of another application":         {document("egov-2026-1", "egov-2026-2"), eds.ContentDiffers},
		"of another kind":                {document("decided", "hearing-set"), eds.ContentDiffers},
		"another number":                 {document(">17<", ">18<"), eds.ContentDiffers},
		"another day":                    {document("11-22", "11-23"), eds.ContentDiffers},
		"another result":                 {document("assign", "refuse"), eds.ContentDiffers},
		"without number":                 {document("<number>17</number>", ""), eds.ContentDiffers},
		"two results":                    {document("<result>", "<result>assign</result><result>"), eds.ContentDiffers},
		"a comment in the number":        {document(">17<", ">17<!-- -->8<"), eds.ContentDiffers},
		"an element in the number":       {document(">17<", ">17<b>8</b><"), eds.ContentDiffers},
		"in another namespace":           {document("<number>17</number>", `<number xmlns="x">17</number>`), eds.ContentDiffers},
		"further down":                   {document("<result>assign</result>", "<a><result>assign</result></a>"), eds.ContentDiffers},
		"another root":                   {document("s:statement", "s:letter"), eds.ContentDiffers},
		"another namespace":              {document("statement:v1", "statement:v2"), eds.ContentDiffers},
		"a signature over a part of it":  {reference("#part"), eds.ContentDiffers},
		"a decision without a statement": {"<decision><number>17</number></decision>", eds.ContentDiffers},
	} {
		t.Run(name, func(t *testing.T) {
			for format, s := range map[string]payload.Signature{
				"xml": {Format: "xml", Value: mocks.SignXML(tc.doc)},
				"cms": {Format: "cms", Value: mocks.SignCMS([]byte(tc.doc))},
			} {
				if reason, err := c.Verify(t.Context(), s, told); err != nil || reason != tc.want {
					t.Errorf("%s: reason %q, error %v, want %q", format, reason, err, tc.want)
				}
			}
		})
	}
	// What the event does not have, the document must not have either.
	unnumbered := told
	unnumbered.Number = ""
	signed := payload.Signature{Format: "xml", Value: mocks.SignXML(document())}
	if reason, err := c.Verify(t.Context(), signed, unnumbered); err != nil || reason != eds.ContentDiffers {
		t.Errorf("a number that the event does not have: reason %q, error %v", reason, err)
	}
	text := payload.Signature{Format: "cms", Value: mocks.SignCMS([]byte("hello"))}
	if reason, err := c.Verify(t.Context(), text, told); err != nil || reason != eds.ContentDiffers {
		t.Errorf("a text: reason %q, error %v", reason, err)
	}
}

// What NCANode may say when it is asked for the content of a CMS.
func TestExtract(t *testing.T) {
	signed := payload.Signature{Format: "cms", Value: mocks.SignCMS([]byte(document()))}
	for name, tc := range map[string]struct {
		status int
		answer string
		want   string
		class  topics.Class
	}{
		"without content": {http.StatusBadRequest, `{"status":400,"message":"x"}`, eds.ContentDiffers, ""},
		"no data":         {http.StatusOK, `{"status":200,"message":"OK"}`, eds.ContentDiffers, ""},
		"not base64":      {http.StatusOK, `{"data":"%"}`, eds.ContentDiffers, ""},
		"not JSON":        {http.StatusOK, `<`, "", topics.Uncertain},
		"busy":            {http.StatusTooManyRequests, `{}`, "", topics.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/verify") {
					io.WriteString(w, `{"valid":true,"signers":[{"certificates":[`+certificate+`]}]}`) //nolint:errcheck
					return
				}
				w.WriteHeader(tc.status)
				io.WriteString(w, tc.answer) //nolint:errcheck
			}))
			reason, err := c.Verify(t.Context(), signed, told)
			if reason != tc.want || err == nil != (tc.class == "") || err != nil && topics.FailureOf(err).Class != tc.class {
				t.Errorf("reason %q, error %v, want %q, %s", reason, err, tc.want, tc.class)
			}
		})
	}
}
