package samples

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"

	"kandashub/mocks"
)

// A maker invents people and fills in forms. The same run and seed give the
// same people; another run gives others, so that two runs against the same
// servers never name the same person.
type maker struct {
	run      string
	rng      *rand.Rand
	now      time.Time
	purposes int
	given    map[string]bool // IINs and document numbers already used
}

func newMaker(run string, seed int64) *maker {
	h := fnv.New64a()
	h.Write([]byte(run)) // a hash never fails
	return &maker{
		run:   run,
		rng:   rand.New(rand.NewPCG(h.Sum64(), uint64(seed))),
		now:   time.Now().In(kazakhstan).Truncate(time.Second),
		given: map[string]bool{},
	}
}

// Names are put together from these parts, so that nobody bears them.
var (
	roots   = []string{"Әлім", "Ғабит", "Қоңыр", "Жаңбыр", "Өтеген", "Ұлық", "Күміс", "Һашым", "Ізбас", "Тәуке", "Шыңғыр", "Мөлдір", "Сүйін", "Ақберен", "Жүрсін", "Көкше", "Бұланды", "Ескенд"}
	stems   = []string{"бай", "бек", "мырза", "тай", "нияз", "ғали", "қожа", "дәулет", "сейіт", "көл", "қазы", "өзек", "жүніс", "мәмбет"}
	males   = []string{"Аянбек", "Бөлекбай", "Ғазизхан", "Дүйсенғазы", "Елемес", "Жұмаділ", "Көпжасар", "Қалжігіт", "Мәлікажы", "Нұрлыбай", "Өмірзақ", "Рүстембай", "Сәменғазы", "Түменбай", "Ұзақбай", "Үсенғали", "Шәріпбай", "Ықыласбай", "Іңкәрбек", "Һәкімжан"}
	females = []string{"Айғаным", "Бәтимажан", "Гүлзипа", "Дәмеғайша", "Еңлікгүл", "Жібекжан", "Зылиқагүл", "Күләндам", "Қарлығаш", "Мөлдіргүл", "Нәзипагүл", "Өрікгүл", "Пәтимагүл", "Сүйімгүл", "Тұрсынгүл", "Ұлтуғангүл", "Үміткүл", "Шәрбану", "Ырысбала", "Іңкәргүл"}
)

func pick[T any](m *maker, from []T) T { return from[m.rng.IntN(len(from))] }

// person invents a person born 1850 to 1899 with a full name and a passport.
func (m *maker) person(sex, citizenship string) Person {
	return m.relative(m.base(), sex, citizenship)
}

// base invents what a family's surname begins with.
func (m *maker) base() string { return pick(m, roots) + pick(m, stems) }

// relative invents a person of a family by its surname's base.
func (m *maker) relative(base, sex, citizenship string) Person {
	p := Person{
		Sex: sex, Citizenship: citizenship, Nationality: "казах",
		BirthDate: m.birthDate(), Document: m.passport(citizenship),
	}
	father := pick(m, males)
	if sex == "male" {
		p.Surname, p.Name, p.Patronymic = base+"ов", pick(m, males), father+"ұлы"
	} else {
		p.Surname, p.Name, p.Patronymic = base+"ова", pick(m, females), father+"қызы"
	}
	return p
}

func (m *maker) birthDate() string {
	first := time.Date(1850, 1, 1, 0, 0, 0, 0, time.UTC)
	days := int(time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).Sub(first).Hours() / 24)
	return first.AddDate(0, 0, m.rng.IntN(days)).Format(day)
}

// digits returns n random digits that were not returned before.
func (m *maker) digits(n int) string {
	for {
		var b strings.Builder
		for range n {
			b.WriteByte(byte('0' + m.rng.IntN(10)))
		}
		if s := b.String(); s[0] != '0' && !m.given[s] {
			m.given[s] = true
			return s
		}
	}
}

// issuers of passports by citizenship; XXA, a stateless person, has an
// identity document of that kind.
var issuers = map[string]string{
	"MNG": "Улсын бүртгэлийн газар", "CHN": "公安部出入境管理局", "UZB": "Ichki ishlar vazirligi",
	"TUR": "Nüfus İdaresi", "IRN": "اداره گذرنامه", "KAZ": "МВД РК", "XXA": "МВД РК",
}

func (m *maker) passport(citizenship string) *Document {
	d := &Document{
		Kind: "passport", Series: string(rune('A' + m.rng.IntN(26))), Number: m.digits(9), IssuedBy: issuers[citizenship],
		IssuedOn: m.now.AddDate(-4, 0, 0).Format(day), ExpiresOn: m.now.AddDate(6, 0, 0).Format(day),
	}
	if citizenship == "XXA" {
		d.Kind = "stateless-id"
	}
	return d
}

func (m *maker) address() string {
	return fmt.Sprintf("Үлгі-Ата қ., %s көшесі, %d-үй, %d-пәтер", pick(m, roots), 1+m.rng.IntN(200), 1+m.rng.IntN(90))
}

func (m *maker) contacts() Contacts {
	n := m.digits(7)
	return Contacts{Phone: "+7700" + n, Email: "p" + n + "@example.kz"}
}

// registered turns a person into a record of the register of persons, with an
// IIN.
func (m *maker) registered(p Person) mocks.Person {
	r := mocks.Person{
		IIN: m.iin(p), Surname: p.Surname, Name: p.Name, Patronymic: p.Patronymic,
		BirthDate: fullDate(p.BirthDate), Sex: p.Sex, Citizenship: p.Citizenship,
	}
	if d := p.Document; d != nil {
		r.Documents = []mocks.Document{{Kind: d.Kind, Series: d.Series, Number: d.Number, BeginDate: d.IssuedOn, EndDate: d.ExpiresOn}}
	}
	return r
}

// fullDate writes an unknown day and month as 01, as the register does.
func fullDate(s string) string { return s + "-01-01"[:len("2006-01-02")-len(s)] }

// iin invents an IIN for a person born in the 19th century: birth date, 1 or 2
// for the century and sex, a serial number and the check digit (kz.md 3).
func (m *maker) iin(p Person) string {
	d := fullDate(p.BirthDate)
	sex := "1"
	if p.Sex == "female" {
		sex = "2"
	}
	for {
		// The upper half of the serials: the mock of «Миграционная полиция»
		// begins at the lower end.
		s := d[2:4] + d[5:7] + d[8:10] + sex + fmt.Sprintf("%04d", 5000+m.rng.IntN(5000))
		c, ok := checkDigit(s)
		if iin := s + string(c); ok && !m.given[iin] {
			m.given[iin] = true
			return iin
		}
	}
}

// checkDigit returns the twelfth digit of an IIN; not ok means that this
// number must not be issued.
func checkDigit(s string) (digit byte, ok bool) {
	for _, first := range []int{1, 3} {
		sum := 0
		for i := range 11 {
			sum += int(s[i]-'0') * ((first+i-1)%11 + 1)
		}
		if sum %= 11; sum < 10 {
			return byte('0' + sum), true
		}
	}
	return 0, false
}
