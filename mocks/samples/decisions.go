package samples

import (
	"net/http"

	"kandashub/mocks"
)

// decisions: what the commission and the МИО may say.
func decisions(m *maker) []Flow {
	return []Flow{
		m.decision("hearing-then-assign", "preliminary refusal, a hearing, and the status is assigned after all", "migration",
			Script{Recommendation: "refuse", Hearing: true, Decision: "assign"}, registered, recommended, hearing, decided, certificate),
		m.decision("refusal", "recommendation to refuse, hearing, refusal", "egov",
			Script{Recommendation: "refuse", Hearing: true, Decision: "refuse"}, registered, recommended, hearing, decided),
		m.extended("extension", "extended at the counter: the State Corporation's receipt closes the clock", "statecorp", "extend"),
		m.extended("extension-portal", "extended on the portal: the State Corporation is told, too", "migration", "extend"),
		m.extended("extension-refused", "extension refused, signed by the head of МИО", "statecorp", "refuse-extension"),
		m.reissue(),
		m.grounds(),
		m.badSignature("bad-signature", "a decision with a bad signature goes back, and is signed again", "migration",
			Script{BadSignature: true}, "signature_invalid"),
		m.badSignature("other-content", "a good signature over another decision goes back, and is signed again", "statecorp",
			Script{OtherContent: true}, "content_differs"),
		m.decision("revocation-unknown", "nobody can say whether the certificate is revoked: the notice waits", "egov",
			Script{RevocationUnknownMS: 3000}, usual...),
	}
}

// decision is the story of an application whose commission acts by a script.
func (m *maker) decision(name, about, channel string, s Script, kinds ...string) Flow {
	p := m.person("female", "MNG")
	a := m.application(channel, name, p)
	f := Flow{Name: name, About: about, Persons: []mocks.Person{m.registered(p)}}
	f.script(a, s)
	f.file(channel, a)
	f.begins(a)
	f.asksIINs(0, a)
	f.tells(a, kinds...)
	return f
}

// extended is the story of an extension (Rules 329, p. 22). A decision goes to
// the State Corporation wherever it was filed, and its receipt closes the clock.
func (m *maker) extended(name, about, channel, result string) Flow {
	p := m.person("male", "MNG")
	r := m.registered(p)
	p.IIN = r.IIN
	a := m.application(channel, name, p).extension("KZ-" + m.digits(8))
	f := Flow{Name: name, About: about, Persons: []mocks.Person{r}}
	f.script(a, Script{Decision: result})
	f.file(channel, a)
	f.begins(a)
	f.asksIINs(0, a)
	f.tells(a, registered, decided)
	if channel != "statecorp" {
		f.told("statecorp", a, decided)
	}
	f.expect("statecorp", "receipt", "", 1, a)
	f.expect("kandas", "clock-closed", "", 1, a)
	return f
}

// reissue: the State Corporation asks for a certificate issued earlier.
func (m *maker) reissue() Flow {
	p := m.person("female", "UZB")
	a := m.application("statecorp", "reissue", p)
	f := Flow{Name: "certificate-reissue", About: "a certificate is lost, and issued again at the counter", Persons: []mocks.Person{m.registered(p)}}
	f.file("statecorp", a)
	f.Steps = append(f.Steps, Step{
		System: "statecorp", Method: http.MethodPost, Path: "/_request-certificate",
		Body:  map[string]string{"application_id": a.ApplicationID, "reason": "lost"},
		After: &Expected{System: "statecorp", Operation: "notify", Applications: []string{a.ApplicationID}, Detail: certificate, Count: 1},
	})
	f.begins(a)
	f.asksIINs(0, a)
	f.tells(a, registered, recommended, decided, certificate, certificate)
	f.expect("kandas", "request-certificate", "", 1, a)
	f.expect("statecorp", "request-certificate", "", 1, a)
	return f
}

// grounds: a refusal on each of the six grounds, on every channel.
func (m *maker) grounds() Flow {
	f := Flow{Name: "refusal-grounds", About: "refusals on the grounds 1 to 5 and of article 19-1"}
	slugs := []string{"first", "second", "third", "fourth", "fifth", "by-law"}
	for i, ground := range []string{"1", "2", "3", "4", "5", "19-1"} {
		p := m.person("male", "UZB")
		a := m.application([]string{"migration", "egov", "statecorp"}[i%3], "ground-"+slugs[i], p)
		f.Persons = append(f.Persons, m.registered(p))
		f.script(a, Script{Recommendation: "refuse", Hearing: true, Decision: "refuse", Grounds: []string{ground}})
		f.file(channelOf(a), a)
		f.begins(a)
		f.asksIINs(0, a)
		f.tells(a, registered, recommended, hearing, decided)
		for _, kind := range []string{hearing, decided} {
			f.expect(channelOf(a), notice(channelOf(a)), kind+", grounds ("+ground+")", 1, a)
		}
	}
	return f
}

// badSignature: the hub rejects the signature of the first decision for this
// reason, and nobody is told of it.
func (m *maker) badSignature(name, about, channel string, s Script, reason string) Flow {
	p := m.person("female", "MNG")
	a := m.application(channel, name, p)
	f := Flow{Name: name, About: about, Persons: []mocks.Person{m.registered(p)}}
	f.script(a, s)
	f.file(channel, a)
	f.begins(a)
	f.asksIINs(0, a)
	f.issues(a, registered, recommended, decided, decided, certificate)
	f.told(channel, a, usual...)
	f.expect("kandas", "rejection-received", reason, 1, a)
	return f
}
