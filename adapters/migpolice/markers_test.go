package migpolice

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"kandashub/topics/payload"
)

var key = bytes.Repeat([]byte("k"), MinMarkerKey)

func person(change func(*payload.Person)) payload.Person {
	p := payload.Person{
		Ref: "p1", Surname: "Тестбай", Name: "Аян", Patronymic: "Ерланұлы", BirthDate: "1899-01-01",
		Sex: "male", Citizenship: "MNG", Document: &payload.Document{Kind: "passport", Series: "E", Number: "1000001"},
	}
	if change != nil {
		change(&p)
	}
	return p
}

// Two persons meet if they share a marker.
func TestMarkersMeet(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*payload.Person)
		meet   bool
	}{
		{"the same in another application", func(p *payload.Person) { p.Ref = "p7" }, true},
		{"no document", func(p *payload.Person) { p.Document = nil }, true},
		{"another document, same names", func(p *payload.Person) { p.Document.Number = "1000002" }, true},
		{"names in Latin, same document", func(p *payload.Person) { p.Surname, p.Name, p.Patronymic = "TESTBAI", "AIAN", "" }, true},
		{"the series written with the number", func(p *payload.Person) {
			p.Name, p.Document = "Other", &payload.Document{Kind: "passport", Number: "E1000001"}
		}, true},
		{"case and spelling", func(p *payload.Person) { p.Document, p.Surname = nil, "ТЕСТ-БАЙ" }, true},
		{"day and month unknown, sent as 01", func(p *payload.Person) { p.Document, p.BirthDate = nil, "1899" }, true},
		{"a twin", func(p *payload.Person) { p.Name, p.Document.Number = "Баян", "1000002" }, false},
		{"no patronymic, no document", func(p *payload.Person) { p.Document, p.Patronymic = nil, "" }, false},
		{"a part moved to another", func(p *payload.Person) { p.Document, p.Surname, p.Name = nil, "", "ТестбайАян" }, false},
		{"another country", func(p *payload.Person) { p.Citizenship = "CHN" }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			known := Markers(key, person(nil))
			meet := slices.ContainsFunc(Markers(key, person(tc.change)), func(m string) bool { return slices.Contains(known, m) })
			if meet != tc.meet {
				t.Fatalf("meet: %v, want %v", meet, tc.meet)
			}
		})
	}
}

func TestMarkersAreKeyedAndOpaque(t *testing.T) {
	one, other := Markers(key, person(nil)), Markers(bytes.Repeat([]byte("o"), MinMarkerKey), person(nil))
	if len(one) != 2 || len(Markers(key, person(func(p *payload.Person) { p.Document = nil }))) != 1 {
		t.Fatal("one marker by document where there is one, and one by names")
	}
	for i, m := range one {
		if len(m) != 64 || strings.Trim(m, "0123456789abcdef") != "" {
			t.Errorf("marker %d is no HMAC-SHA-256 in hex", i)
		}
		if m == other[i] {
			t.Errorf("marker %d does not depend on the key", i)
		}
	}
}
