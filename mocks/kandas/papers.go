package kandas

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

// The papers that the system issues, filled in after their forms.

// Texts for people, in Kazakh and Russian together.
var (
	textRegistered = text{
		KK: "Өтінішіңіз тіркелді.",
		RU: "Ваше заявление зарегистрировано.",
	}
	textPackageRefused = text{
		KK: "Құжаттар топтамасы толық емес немесе құжаттардың мерзімі өткен: өтінішті қабылдаудан бас тартылды.",
		RU: "Пакет документов неполный или срок документов истёк: в приёме отказано.",
	}
	textRecommended = text{
		KK: "Комиссия ұсыным берді.",
		RU: "Комиссия вынесла рекомендацию.",
	}
	textHearing = text{
		KK: "Алдын ала бас тарту шешімі. Сізді тыңдауға шақырамыз.",
		RU: "Предварительный отказ. Приглашаем Вас на заслушивание.",
	}
	textDecisions = map[string]text{
		"assign":           {KK: "Қандас мәртебесін беру туралы шешім қабылданды.", RU: "Принято решение о присвоении статуса кандаса."},
		"refuse":           {KK: "Қандас мәртебесін беруден бас тартылды.", RU: "В присвоении статуса кандаса отказано."},
		"extend":           {KK: "Қандас мәртебесі ұзартылды.", RU: "Статус кандаса продлён."},
		"refuse-extension": {KK: "Қандас мәртебесін ұзартудан бас тартылды.", RU: "В продлении статуса кандаса отказано."},
	}
	textCertificate = text{
		KK: "Қандас куәлігі берілді.",
		RU: "Удостоверение кандаса выдано.",
	}
)

// grounds of a refusal: those of the script, or that the person does not meet
// the conditions (Rules 329, annex 2, p. 11).
func (s *system) grounds(a *application) []string {
	if scripted := s.script(a.form.ApplicationID).Grounds; len(scripted) > 0 {
		return scripted
	}
	return []string{"1"}
}

func (s *system) event(a *application, t text) event {
	return event{ApplicationID: a.form.ApplicationID, Text: t}
}

// number is the number of an application's papers.
func (a *application) number() string {
	h := fnv.New32a()
	h.Write([]byte(a.form.ApplicationID)) // a hash never fails
	return fmt.Sprintf("%08d", h.Sum32()%1e8)
}

func (s *system) today() string { return s.now().Format(time.DateOnly) }

func (s *system) registration(a *application) event {
	e := s.event(a, textRegistered)
	e.Registration = &registration{Number: "Қ-" + a.number(), Date: s.today()}
	return e
}

// packageRefusal fills in the form of Rules 329, annex 8.
func (s *system) packageRefusal(a *application, kind string, documents []string) event {
	e := s.event(a, textPackageRefused)
	e.PackageRefusal = &packageRefusal{
		Number:    "Б-" + a.number(),
		Recipient: fullName(a.form.Applicant.person),
		Address:   a.form.Applicant.Address,
		Kind:      kind,
		Documents: documents,
		Official:  "Үлгі маманы",
		Phone:     "+77172000000",
		Date:      s.today(),
	}
	return e
}

func (s *system) recommendation(a *application, result string) event {
	e := s.event(a, textRecommended)
	e.Recommendation = &recommendation{Result: result, Protocol: "Х-" + a.number(), Date: s.today()}
	return e
}

// hearing is a preliminary refusal with time and place of the hearing: two
// working days from sending (АППК, art. 73).
func (s *system) hearing(a *application) event {
	at := s.now()
	for days := 0; days < 2; {
		at = at.AddDate(0, 0, 1)
		if d := at.Weekday(); d != time.Saturday && d != time.Sunday {
			days++
		}
	}
	at = time.Date(at.Year(), at.Month(), at.Day(), 15, 0, 0, 0, zone)
	e := s.event(a, textHearing)
	e.Hearing = &hearing{Grounds: s.grounds(a), Place: "Үлгі қаласы, Үлгі көшесі 1, 101-кабинет", At: at.Format(time.RFC3339)}
	return e
}

// decision fills in the form of Rules 329, annex 4.
func (s *system) decision(a *application, result string) event {
	p := a.form.Applicant
	e := s.event(a, textDecisions[result])
	e.Decision = &decision{
		Result:    result,
		Number:    "Ш-" + a.number(),
		Date:      s.today(),
		MIO:       a.form.Provider,
		FullName:  fullName(p.person),
		BirthDate: p.BirthDate,
		Sex:       p.Sex,
		Address:   p.Address,
		IIN:       s.iin(a, 0),
	}
	switch result {
	case "refuse", "refuse-extension":
		e.Decision.Grounds = s.grounds(a)
	case "extend": // once, at most six months
		e.Decision.Until = s.now().AddDate(0, 6, 0).Format(time.DateOnly)
	}
	return e
}

// certificateOf fills in the form of Rules 329, annex 5: valid for one year.
func (s *system) certificateOf(a *application) event {
	p := a.form.Applicant
	e := s.event(a, textCertificate)
	e.Certificate = &certificate{
		Number:      "KZ-" + a.number(),
		MIO:         a.form.Provider,
		FullName:    fullName(p.person),
		Sex:         p.Sex,
		BirthPlace:  p.Citizenship,
		BirthDate:   p.BirthDate,
		Citizenship: p.Citizenship,
		IIN:         s.iin(a, 0),
		ValidFrom:   s.today(),
		ValidTo:     s.now().AddDate(1, 0, -1).Format(time.DateOnly),
		AssignedOn:  s.today(),
	}
	adult := s.now().AddDate(-18, 0, 0).Format(time.DateOnly)
	for i, member := range a.form.Family {
		// The world's people were born 150 years ago: who is a child follows
		// from the kinship as well.
		child := member.Kinship == "son" || member.Kinship == "daughter"
		if child || member.BirthDate > adult {
			e.Certificate.Minors = append(e.Certificate.Minors, minor{
				FullName: fullName(member), BirthDate: member.BirthDate, IIN: s.iin(a, i+1),
			})
		}
	}
	return e
}

// iin returns the IIN of the application's nth person as settled, or as the
// form states it.
func (s *system) iin(a *application, n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.results != nil {
		return a.results[n].IIN
	}
	return a.form.persons()[n].IIN
}

func fullName(p person) string {
	var parts []string
	for _, part := range []string{p.Surname, p.Name, p.Patronymic} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " ")
}
