package migpolice

import "fmt"

// makeIIN makes the IIN of a person born on date (YYYY-MM-DD, 1800 to 2099); it
// fails where no control digit fits the serial. Written apart from the hub's
// own arithmetic, so that an error in one of them shows.
func makeIIN(date, sex string, serial int) (string, bool) {
	if len(date) != 10 || serial < 0 || serial > 9999 {
		return "", false
	}
	base := map[string]int{"18": 1, "19": 3, "20": 5}[date[:2]]
	if base == 0 {
		return "", false
	}
	if sex == "female" {
		base++
	}
	eleven := fmt.Sprintf("%s%s%s%d%04d", date[2:4], date[5:7], date[8:], base, serial)
	control := weigh(eleven, 1)
	if control == 10 {
		control = weigh(eleven, 3)
	}
	if control == 10 {
		return "", false
	}
	return fmt.Sprintf("%s%d", eleven, control), true
}

// weigh sums the digits with weights that rise by one from first and start
// again at 1 after 11, modulo 11.
func weigh(digits string, first int) int {
	sum := 0
	for i, c := range digits {
		sum += int(c-'0') * ((first-1+i)%11 + 1)
	}
	return sum % 11
}
