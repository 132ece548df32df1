package payload

import "testing"

func TestNormalName(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"ТЕСТБАЙ", "Тестбай", true},
		{"Артём", "АРТЕМ", true},
		{"Арте\u0308м", "Артём", true}, // decomposed
		{"Нур-Али", "Нур\u2011али", true},
		{"Нур Али", "Нурали", true},
		{"O'Tmas", "O\u02BBtmas", true},
		{"İbrahim", "IBRAHIM", true},
		{"Әлия", "Алия", false},
		{"Қайрат", "Кайрат", false},
		{"Өмір", "Омир", false},
		{"Ерлан", "Erlan", false},
		{"Хасан", "Хусан", false}, // twins
	} {
		if got := NormalName(tc.a) == NormalName(tc.b); got != tc.same {
			t.Errorf("%q and %q alike: %v, want %v", tc.a, tc.b, got, tc.same)
		}
	}
}

func TestNormalNumber(t *testing.T) {
	for _, tc := range []struct {
		a, b [2]string // series and number
		same bool
	}{
		{[2]string{"E", "1000001"}, [2]string{"", "e 1000001"}, true},
		{[2]string{"Е", "1000001"}, [2]string{"E", "1000001"}, true}, // Cyrillic Е
		{[2]string{"", "№ 100-0001"}, [2]string{"", "1000001"}, true},
		{[2]string{"E", "1000001"}, [2]string{"E", "1000002"}, false},
		{[2]string{"E", "1000001"}, [2]string{"G", "1000001"}, false},
	} {
		if got := NormalNumber(tc.a[0], tc.a[1]) == NormalNumber(tc.b[0], tc.b[1]); got != tc.same {
			t.Errorf("%q and %q alike: %v, want %v", tc.a, tc.b, got, tc.same)
		}
	}
}

func TestWholeDate(t *testing.T) {
	for in, want := range map[string]string{"1899": "1899-01-01", "1896-02": "1896-02-01", "1896-02-29": "1896-02-29"} {
		if got := WholeDate(in); got != want {
			t.Errorf("WholeDate(%s) = %s, want %s", in, got, want)
		}
	}
}
