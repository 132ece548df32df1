package migpolice

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"kandashub/topics/payload"
)

// MinMarkerKey is the shortest key of Markers, in bytes.
const MinMarkerKey = 32

// Markers names p so that two messages about one person meet, whatever
// application they belong to, and nothing can be read from it: one marker by
// the own document where there is one, one by names, birth date and citizenship
// (domain.md 3.2). Twins differ in name, so they share none.
//
// A marker is the HMAC-SHA-256 of the normal form under key, in hex. The key is
// never rotated: markers made under another key do not meet.
//
// Two persons who share a marker wait for each other; one person with two
// spellings that share none may get two IINs. So the normal form rather joins
// too much than too little.
func Markers(key []byte, p payload.Person) []string {
	var out []string
	if d := p.Document; d != nil {
		if number := payload.NormalNumber(d.Series, d.Number); number != "" {
			out = append(out, marker(key, "document", p.Citizenship, d.Kind, number))
		}
	}
	return append(out, marker(key, "names",
		payload.NormalName(p.Surname), payload.NormalName(p.Name), payload.NormalName(p.Patronymic),
		payload.WholeDate(p.BirthDate), p.Citizenship))
}

func marker(key []byte, parts ...string) string {
	mac := hmac.New(sha256.New, key)
	for _, s := range parts {
		fmt.Fprintf(mac, "%d:%s", len(s), s)
	}
	return hex.EncodeToString(mac.Sum(nil))
}
