package iin_test

import (
	"errors"
	"testing"
	"time"

	"kandashub/topics/iin"

	"pgregory.net/rapid"
)

// The vectors of kz.md 3. All births are before 1900: nobody's number.
func TestParse(t *testing.T) {
	born1899 := time.Date(1899, 1, 1, 0, 0, 0, 0, time.UTC)
	leap1804 := time.Date(1804, 2, 29, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name, in string
		want     iin.Number
		err      error
	}{
		{name: "male, first row", in: "990101100010", want: iin.Number{BirthDate: born1899, Sex: iin.Male, Century: 1800, Serial: 1}},
		{name: "male, second row", in: "990101100111", want: iin.Number{BirthDate: born1899, Sex: iin.Male, Century: 1800, Serial: 11}},
		{name: "female, first row", in: "990101200017", want: iin.Number{BirthDate: born1899, Sex: iin.Female, Century: 1800, Serial: 1}},
		{name: "female, second row", in: "990101200804", want: iin.Number{BirthDate: born1899, Sex: iin.Female, Century: 1800, Serial: 80}},
		{name: "leap day, first row", in: "040229100109", want: iin.Number{BirthDate: leap1804, Sex: iin.Male, Century: 1800, Serial: 10}},
		{name: "leap day, second row", in: "040229100014", want: iin.Number{BirthDate: leap1804, Sex: iin.Male, Century: 1800, Serial: 1}},
		{name: "seventh digit 0", in: "040101000017", want: iin.Number{Serial: 1}},
		{name: "1800 is no leap year", in: "000229200019", err: iin.ErrBirthDate},
		{name: "wrong control digit", in: "990101100011", err: iin.ErrChecksum},
		{name: "seventh digit 7", in: "990101700010", err: iin.ErrCentury},
		{name: "short", in: "99010110001", err: iin.ErrFormat},
		{name: "long", in: "9901011000100", err: iin.ErrFormat},
		{name: "a letter", in: "99010110001O", err: iin.ErrFormat},
		{name: "digits of another script", in: "٩٩٠١٠١", err: iin.ErrFormat},
		{name: "empty", in: "", err: iin.ErrFormat},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := iin.Parse(tc.in)
			if !errors.Is(err, tc.err) || got != tc.want {
				t.Errorf("Parse = %+v, %v; want %+v, %v", got, err, tc.want, tc.err)
			}
			if err := iin.Check(tc.in); !errors.Is(err, tc.err) {
				t.Errorf("Check = %v, want %v", err, tc.err)
			}
		})
	}
}

// Ten out of both rows of weights: no control digit is right, and none is made.
func TestNoControlDigit(t *testing.T) {
	for prefix, male := range map[string]bool{"99010110010": true, "99010120083": false} {
		for _, c := range "0123456789" {
			if err := iin.Check(prefix + string(c)); !errors.Is(err, iin.ErrChecksum) {
				t.Errorf("%s with control digit %c: %v, want %v", prefix, c, err, iin.ErrChecksum)
			}
		}
		serial := 10
		if !male {
			serial = 83
		}
		if s, ok := iin.New(time.Date(1899, 1, 1, 0, 0, 0, 0, time.UTC), male, serial); ok {
			t.Errorf("New made %s", s)
		}
	}
}

func TestNewRefusesOutOfRange(t *testing.T) {
	in1899 := time.Date(1899, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		birth  time.Time
		serial int
	}{
		{in1899.AddDate(-100, 0, 0), 1},
		{in1899.AddDate(201, 0, 0), 1},
		{in1899, -1},
		{in1899, 10000},
	} {
		if _, ok := iin.New(tc.birth, true, tc.serial); ok {
			t.Errorf("New accepted birth year %d, serial %d", tc.birth.Year(), tc.serial)
		}
	}
}

// What New makes Parse reads back, and no other control digit passes.
func TestNewParse(t *testing.T) {
	first := time.Date(1800, 1, 1, 0, 0, 0, 0, time.UTC)
	days := int(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).Sub(first).Hours() / 24)
	rapid.Check(t, func(t *rapid.T) {
		birth := first.AddDate(0, 0, rapid.IntRange(0, days-1).Draw(t, "day"))
		male := rapid.Bool().Draw(t, "male")
		serial := rapid.IntRange(0, 9999).Draw(t, "serial")
		s, ok := iin.New(birth, male, serial)
		if !ok {
			return
		}
		n, err := iin.Parse(s)
		if err != nil {
			t.Fatalf("Parse(%s): %v", s, err)
		}
		if !n.BirthDate.Equal(birth) || (n.Sex == iin.Male) != male || n.Serial != serial {
			t.Fatalf("Parse(%s) = %+v", s, n)
		}
		other := s[:11] + string('0'+(s[11]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "shift")))%10)
		if err := iin.Check(other); !errors.Is(err, iin.ErrChecksum) {
			t.Fatalf("Check(%s) = %v, want %v", other, err, iin.ErrChecksum)
		}
	})
}
