package gbdfl

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"kandashub/adapters/shep"
	"kandashub/topics"
	"kandashub/topics/iin"
)

var personal = regexp.MustCompile(`\p{Cyrillic}{2,}|[0-9]{7,}`)

// Whatever the register answers: persons come only from a good result to this
// very request and have an IIN and a birth date, and a failure repeats nothing
// personal.
func FuzzReadAnswer(f *testing.F) {
	const id = "1d7c3f0e"
	good := `<data><messageId>r</messageId><requestId>` + id + `</requestId><messageResult><code>00000</code></messageResult><persons><person>` +
		`<iin>990101100010</iin><surname>ТЕСТБАЙ</surname><birthDate>1899-01-01+05:00</birthDate><deathDate/><excludeStatus><excludeReason/></excludeStatus>` +
		`<documents><document><type><code>015</code></type><number>1000001</number></document></documents><birthCertificate><number>77</number></birthCertificate>` +
		`<removed>false</removed></person></persons></data>`
	f.Add(good)
	f.Add(strings.NewReplacer("<data>", "<data><r:Response xmlns:r='u'>", "</data>", "</r:Response></data>").Replace(good))
	f.Add(strings.Replace(good, "00000", "Нұрланов", 1))
	f.Add(strings.Replace(good, "<iin>", "<iin>990101100111</iin><iin>", 1))
	f.Add(strings.Replace(good, "<persons>", "<persons/><persons>", 1))
	f.Fuzz(func(t *testing.T, doc string) {
		root, err := shep.Parse([]byte(doc))
		if err != nil {
			return
		}
		answer, err := readAnswer(id, root)
		if err != nil {
			var failure *topics.Failure
			if !errors.As(err, &failure) || len(answer.Persons) > 0 {
				t.Fatalf("%d persons beside %v", len(answer.Persons), err)
			}
			for _, s := range personal.FindAllString(doc, -1) {
				if strings.Contains(err.Error(), s) {
					t.Fatalf("the failure repeats the answer: %v", err)
				}
			}
			return
		}
		for _, p := range answer.Persons {
			if iin.Check(p.IIN) != nil || p.BirthDate == "" || len(p.BirthDate) > len("2006-01-02") {
				t.Fatalf("found %+v", p)
			}
		}
	})
}
