// Package iin checks, reads and makes the individual identification number
// (ИИН) of Kazakhstan. It is the one place that knows the number's rules.
//
// An IIN has twelve digits: birth date as YYMMDD, one digit for century and
// sex (1 and 2: 18xx, 3 and 4: 19xx, 5 and 6: 20xx; odd is male), a serial of
// four digits, and a control digit. The control digit is computed with one row
// of weights, and with a second row where the first gives ten. Where the second
// gives ten too, the number must not be issued: about one serial in 120.
//
// A seventh digit of 0 has no published meaning, and foreigners are said to
// hold such numbers. It is accepted, with century and sex unknown, and never
// made (kz.md 3).
//
// No error of this package holds a digit of the number: an IIN is personal data.
package iin

import (
	"errors"
	"fmt"
	"time"
)

// Why a string is not an IIN.
var (
	ErrFormat    = errors.New("an IIN has twelve digits")
	ErrCentury   = errors.New("the seventh digit of an IIN is 0 to 6")
	ErrBirthDate = errors.New("the birth date of the IIN does not exist")
	ErrChecksum  = errors.New("the control digit of the IIN is wrong")
)

// A Sex is what the seventh digit says.
type Sex string

// The sexes, spelled as in the payloads.
const (
	Male       Sex = "male"
	Female     Sex = "female"
	UnknownSex Sex = "" // the seventh digit is 0
)

// A Number is what an IIN says about its holder.
type Number struct {
	BirthDate time.Time // midnight UTC; zero where the century is unknown
	Sex       Sex
	Century   int // 1800, 1900 or 2000; 0 where the seventh digit is 0
	Serial    int // 0 to 9999
}

// Check returns nil if s is an IIN: twelve digits, a birth date that exists in
// its century, and the right control digit.
func Check(s string) error {
	_, err := Parse(s)
	return err
}

// Parse reads an IIN. Its error is one of ErrFormat, ErrCentury, ErrBirthDate
// and ErrChecksum.
func Parse(s string) (Number, error) {
	if len(s) != 12 {
		return Number{}, ErrFormat
	}
	var d [12]int
	for i := range d {
		if s[i] < '0' || s[i] > '9' {
			return Number{}, ErrFormat
		}
		d[i] = int(s[i] - '0')
	}
	if d[6] > 6 {
		return Number{}, ErrCentury
	}
	if control, ok := controlDigit(d[:11]); !ok || control != d[11] {
		return Number{}, ErrChecksum
	}
	n := Number{Serial: d[7]*1000 + d[8]*100 + d[9]*10 + d[10]}
	year, month, day := d[0]*10+d[1], d[2]*10+d[3], d[4]*10+d[5]
	if d[6] == 0 {
		// Of the centuries that are possible 20xx has every 29 February that
		// any of them has.
		if _, ok := date(2000+year, month, day); !ok {
			return Number{}, ErrBirthDate
		}
		return n, nil
	}
	n.Century = 1800 + (d[6]-1)/2*100
	n.Sex = Female
	if d[6]%2 == 1 {
		n.Sex = Male
	}
	var ok bool
	if n.BirthDate, ok = date(n.Century+year, month, day); !ok {
		return Number{}, ErrBirthDate
	}
	return n, nil
}

// New makes the IIN of a person born in 1800 to 2099 from a serial of 0 to
// 9999. It returns false where that serial has no valid control digit (take
// the next one) or where an argument is out of range.
func New(birth time.Time, male bool, serial int) (string, bool) {
	if birth.Year() < 1800 || birth.Year() > 2099 || serial < 0 || serial > 9999 {
		return "", false
	}
	seventh := (birth.Year()/100-18)*2 + 2
	if male {
		seventh--
	}
	s := fmt.Sprintf("%s%d%04d", birth.Format("060102"), seventh, serial)
	var d [11]int
	for i := range d {
		d[i] = int(s[i] - '0')
	}
	control, ok := controlDigit(d[:])
	if !ok {
		return "", false
	}
	return s + string(rune('0'+control)), true
}

// controlDigit computes the twelfth digit from the first eleven; false where
// there is none. The first row ignores the eleventh digit (its weight is 11).
func controlDigit(d []int) (int, bool) {
	for _, weights := range [2][11]int{
		{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
		{3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2},
	} {
		sum := 0
		for i, w := range weights {
			sum += w * d[i]
		}
		if r := sum % 11; r < 10 {
			return r, true
		}
	}
	return 0, false
}

// date returns the day, or false where the calendar has none such.
func date(year, month, day int) (time.Time, bool) {
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return t, t.Day() == day && int(t.Month()) == month
}
