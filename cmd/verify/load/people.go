package load

import (
	"fmt"
	"strings"
	"time"

	"kandashub/topics/iin"
	"kandashub/topics/payload"
)

// people are invented, and noted: nothing that is said of them may be found
// where it does not belong.
type people struct {
	run  string
	seed int64
	n    int
	said []string
}

var syllables = []string{"ба", "гә", "дү", "жо", "зі", "қа", "лө", "мұ", "не", "пы", "ра", "сә", "то", "ұл", "шы", "іл"}

// name spells a number, so that no two people share one and nobody bears it.
func name(prefix string, n int) string {
	var b strings.Builder
	b.WriteString(prefix)
	for range 4 {
		b.WriteString(syllables[n%len(syllables)])
		n /= len(syllables)
	}
	return b.String()
}

func (p *people) next() int {
	p.n++
	return p.n + int(uint64(p.seed)%7)*9000
}

func (p *people) say(s ...string) { p.said = append(p.said, s...) }

// person is someone whom no register knows. The document tells a person of one
// run from those of all others.
func (p *people) person() payload.Person {
	n := p.next()
	who := payload.Person{
		Ref: "p0", Surname: name("Ұз", n), Name: name("Әз", n), BirthDate: date(n), Sex: "female", Citizenship: "MNG",
		Document: &payload.Document{Kind: "passport", Series: "V", Number: fmt.Sprintf("%s%06d", strings.ToUpper(p.run), n)},
	}
	p.say(who.Surname, who.Name, who.Document.Number)
	return who
}

func date(n int) string {
	return time.Date(1850, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n%18000).Format(time.DateOnly)
}

// decision is a favourable one about somebody.
func (p *people) decision(number string, at time.Time) *payload.Decision {
	n := p.next()
	d := &payload.Decision{
		Result: "assign", Number: number, Date: at.Format(time.DateOnly), MIO: "МИО", Sex: "male", BirthDate: date(n),
		FullName: name("Ғұ", n) + " " + name("Өт", n), Address: name("Көше ", n) + " 1", IIN: number12(n),
	}
	p.say(strings.Fields(d.FullName)...)
	p.say(d.Address, d.IIN)
	return d
}

// number12 is an IIN of somebody born in the 19th century.
func number12(n int) string {
	d := date(n)
	for serial := 5000 + n%4000; ; serial++ {
		for check := range 10 {
			s := fmt.Sprintf("%s%s%s1%04d%d", d[2:4], d[5:7], d[8:10], serial%10000, check)
			if iin.Check(s) == nil {
				return s
			}
		}
	}
}
