package samples

import "kandashub/mocks"

// people: who is hard for software (domain.md 3.5).
func people(m *maker) []Flow {
	return []Flow{
		m.twins(), m.family(), m.twoAlphabets(), m.names(), m.citizenships(), m.birthDates(),
		m.closed("applicant-dies", "the applicant dies while a check is under way", "migration", "dies", "died"),
		m.closed("applicant-withdraws", "the applicant withdraws while a check is under way", "egov", "withdraws", "withdrawn"),
	}
}

// twins have surname, patronymic, birth date and document series in common.
func (m *maker) twins() Flow {
	mother := m.person("female", "MNG")
	first := m.relative(m.base(), "male", "MNG")
	first.Kinship, first.Name = "son", "Асанәлі"
	second := first
	second.Name = "Үсенәлі"
	number := *first.Document
	number.Number = next(number.Number)
	second.Document = &number
	f := simple("twins", "twins with neighbouring passports: one is known, the other gets an IIN",
		m.application("egov", "twins", mother, first, second), 1)
	f.Persons = []mocks.Person{m.registered(mother), m.registered(first)}
	return f
}

// next returns the number that follows, with as many digits.
func next(number string) string {
	b := []byte(number)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != '9' {
			b[i]++
			return string(b)
		}
		b[i] = '0'
	}
	return string(b)
}

// family has twelve members; five are known to the register.
func (m *maker) family() Flow {
	base := m.base()
	head := m.relative(base, "male", "CHN")
	spouse := m.relative(m.base(), "female", "CHN")
	spouse.Kinship = "spouse"
	members := []Person{spouse}
	for len(members) < 11 {
		child := m.relative(base, "male", "CHN")
		child.Kinship = "son"
		if len(members)%2 == 0 {
			child = m.relative(base, "female", "CHN")
			child.Kinship = "daughter"
		}
		if len(members)%5 == 0 {
			child.Document = nil // a small child
		}
		members = append(members, child)
	}
	f := simple("family-of-twelve", "twelve persons in one application: five found, seven generated",
		m.application("migration", "family", head, members...), 7)
	f.Persons = []mocks.Person{m.registered(head)}
	for _, p := range members[:4] {
		f.Persons = append(f.Persons, m.registered(p))
	}
	return f
}

// twoAlphabets is one person who files twice: as the machine readable zone of
// the passport has it, and in Cyrillic.
func (m *maker) twoAlphabets() Flow {
	cyrillic := m.person("male", "CHN")
	cyrillic.Surname, cyrillic.Name, cyrillic.Patronymic = "Құнанбайұлы", "Әбілмансұр", ""
	latin := cyrillic
	latin.Surname, latin.Name = "KUNANBAIULY", "ABILMANSUR"
	joined := *cyrillic.Document // as the machine readable zone has it, too
	joined.Series, joined.Number = "", joined.Series+joined.Number
	latin.Document = &joined
	r := m.registered(cyrillic)
	r.LatinSurname, r.LatinName = latin.Surname, latin.Name
	f := Flow{Name: "two-alphabets", About: "one person in Latin and in Cyrillic, by one passport: one IIN", Persons: []mocks.Person{r}}
	f.usual(0, m.application("migration", "latin", latin), m.application("egov", "cyrillic", cyrillic))
	return f
}

// usual files applications that go the usual way, each with so many IINs
// generated.
func (f *Flow) usual(generated int, applications ...*Application) {
	for _, a := range applications {
		f.file(channelOf(a), a)
		f.begins(a)
		f.asksIINs(generated, a)
		f.tells(a, usual...)
	}
}

// names: no patronymic, one name only, letters and signs that get lost.
func (m *maker) names() Flow {
	f := Flow{Name: "names", About: "no patronymic, one name only, Kazakh letters, apostrophes, hyphens"}
	for i, n := range []struct{ slug, surname, name, patronymic string }{
		{"no-patronymic", "Әлжаппарова", "Гүлжаһан", ""},
		{"one-name", "", "Мөлдірханым", ""},
		{"surname-only", "Қожағұлқызы", "", ""},
		{"letters", "Ғұмарқызы", "Іңкәргүл", "Үкібайқызы"},
		{"apostrophe", "Мәс'удова", "Са’ида", "Д'Арыстанқызы"},
		{"hyphens", "Өтеген-Һашымова", "Нұр-Шолпан", "Бек-Арысқызы"},
	} {
		p := m.person("female", "MNG")
		p.Surname, p.Name, p.Patronymic = n.surname, n.name, n.patronymic
		generated := 1
		if i%2 == 1 { // every other one is known to the register
			generated = 0
			f.Persons = append(f.Persons, m.registered(p))
		}
		f.usual(generated, m.application([]string{"migration", "egov", "statecorp"}[i%3], n.slug, p))
	}
	return f
}

// citizenships: each country that most kandas come from, and none.
func (m *maker) citizenships() Flow {
	f := Flow{Name: "citizenships", About: "citizens of MNG, CHN, UZB, TUR, IRN, and a stateless person"}
	for i, c := range []struct{ code, slug string }{{"MNG", "mng"}, {"CHN", "chn"}, {"UZB", "uzb"}, {"TUR", "tur"}, {"IRN", "irn"}, {"XXA", "stateless"}} {
		f.usual(1, m.application([]string{"statecorp", "migration", "egov"}[i%3], c.slug, m.person("male", c.code)))
	}
	return f
}

// birthDates: a leap day, and dates of which the day or more is unknown.
func (m *maker) birthDates() Flow {
	f := Flow{Name: "birth-dates", About: "born on 29 February, before 1930, day and month unknown"}
	for i, b := range []struct{ slug, date string }{{"leap-day", "1896-02-29"}, {"month-known", "1871-05"}, {"year-known", "1868"}} {
		p := m.person("female", "MNG")
		p.BirthDate = b.date
		f.usual(1, m.application([]string{"migration", "egov", "statecorp"}[i], b.slug, p))
	}
	return f
}

// closed: the applicant dies, or takes the application back, while the check of
// the IINs is under way.
func (m *maker) closed(name, about, channel, slug, how string) Flow {
	p := m.person("male", "MNG")
	a := m.application(channel, slug, p)
	f := Flow{Name: name, About: about, Persons: []mocks.Person{m.registered(p)}}
	f.script(a, Script{Withdraw: how})
	f.file(channel, a)
	f.begins(a)
	f.asksIINs(0, a)
	f.tells(a, registered)
	f.expect("kandas", "closed", how, 1, a)
	f.expect("kandas", decided, "", 0, a)
	return f
}
