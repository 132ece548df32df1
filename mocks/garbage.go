package mocks

import (
	"net/http"
	"strings"
	"time"
)

// Answers that no reader should have to bear, each sent as if all were well:
//
//	huge     ten megabytes
//	deep     an element in an element, ten thousand times
//	bomb     a DOCTYPE whose entities unfold without end
//	charset  an encoding that nobody has heard of
//	drip     one byte each second
const (
	hugeBytes = 10 << 20
	deepLevel = 10_000
)

// spoil answers with garbage of a kind.
func spoil(w http.ResponseWriter, kind string) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	text := ""
	switch kind {
	case "huge":
		text = "<a>" + strings.Repeat("x", hugeBytes) + "</a>"
	case "deep":
		text = strings.Repeat("<a>", deepLevel) + strings.Repeat("</a>", deepLevel)
	case "bomb":
		text = `<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]><a>&d;</a>`
	case "charset":
		text = `<?xml version="1.0" encoding="klingon"?><a/>`
	case "drip":
		for range 30 {
			w.Write([]byte("<")) //nolint:errcheck // the caller may have gone
			if http.NewResponseController(w).Flush() != nil {
				return
			}
			time.Sleep(time.Second)
		}
	}
	w.Write([]byte(text)) //nolint:errcheck // the caller may have gone
}
