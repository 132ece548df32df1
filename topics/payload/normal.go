package payload

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// NormalName brings a name to the form in which names are compared: in small
// letters, without the marks that sit on letters, and without anything that is
// no letter or digit. So ё is as е and й as и, which documents write
// interchangeably, ö is as o, and every apostrophe, hyphen and space there is,
// or is left out, is alike.
//
// The letters ә ғ қ ң ө ұ ү һ і stay as they are: they tell names apart. A name
// in Latin is another name than the same one in Cyrillic; the document joins
// those.
func NormalName(s string) string {
	return lettersOf(strings.ToLower(norm.NFKD.String(s)))
}

// lookalikes are the Cyrillic capitals that are typed for Latin ones in the
// numbers of documents.
var lookalikes = strings.NewReplacer(
	"А", "A", "В", "B", "С", "C", "Е", "E", "Н", "H", "І", "I", "К", "K", "М", "M", "О", "O",
	"Р", "P", "Т", "T", "У", "Y", "Х", "X", "Ү", "Y", "Һ", "H", "Ѕ", "S", "Ј", "J", "№", "")

// NormalNumber brings series and number of a document to the form in which they
// are compared: one after the other, in capitals, Cyrillic letters that look
// like Latin ones as these, and without №, spaces and all that is no letter or
// digit. A series that one form writes apart is so the same as in the number.
func NormalNumber(series, number string) string {
	return lettersOf(norm.NFKD.String(lookalikes.Replace(strings.ToUpper(series + number))))
}

func lettersOf(s string) string {
	return strings.Map(func(r rune) rune {
		// Modifier letters (Lm) are apostrophes: O'zbek, Oʻzbek.
		if unicode.IsLetter(r) && !unicode.Is(unicode.Lm, r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

// WholeDate completes a birth date of which day, or month and day, are unknown
// with 01: YYYY-01-01. A register that needs whole dates holds such persons so
// (our convention, no public source says it).
func WholeDate(date string) string {
	switch len(date) {
	case len("2006"):
		return date + "-01-01"
	case len("2006-01"):
		return date + "-01"
	}
	return date
}
