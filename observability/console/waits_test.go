package console_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"kandashub/topics"
	"kandashub/topics/servertest"
)

// What waits now is found before any outcome tells of it, with the reasons for which
// its route calls nobody, in each language.
func TestTimelineOfWhatWaits(t *testing.T) {
	w := newWorld(t, nil)
	w.refusing(false)
	w.pauses.Store(&[]topics.Pause{{Reason: topics.PauseBreaker, Owner: topics.OwnerHub, Since: time.Now().Add(-14 * time.Minute)}})
	w.send("egov-1", "egov-2")
	p := w.enters("viewer")
	look := func(lang, application string) string {
		p.post("/preferences", url.Values{"lang": {lang}})
		status, _, page := p.post("/application", url.Values{"application": {application}})
		if status != 200 {
			t.Fatalf("%d\n%s", status, main(page))
		}
		return page
	}
	for lang, texts := range map[string][]string{
		"en": {"written to Kafka", "route paused", "its system does not answer (breaker)", "waits here", "since 20"},
		"ru": {"записано в Kafka", "маршрут приостановлен", "система не отвечает (предохранитель)", "ждёт здесь"},
		"kk": {"Kafka-ға жазылды", "бағыт тоқтады", "жүйе жауап бермейді (сақтандырғыш)", "осында күтеді"},
	} {
		page := look(lang, "egov-1")
		for _, text := range append(texts, "kandas: register", `data-kind="paused"`) {
			p.has(page, text)
		}
		for _, text := range []string{"egov-2", iin, "Secretova"} {
			p.hasNot(page, text)
		}
	}
	p.hasNot(look("en", "egov-9"), `data-kind="written"`)

	w.pauses.Store(&[]topics.Pause{})
	page := look("en", "egov-1")
	p.has(page, "waits here")
	p.hasNot(page, `data-kind="paused"`)
	w.startHub()
	servertest.Eventually(t, "it is delivered", func() bool { return w.carried("egov-1") == 1 })
	servertest.Eventually(t, "it waits nowhere", func() bool { return !strings.Contains(look("en", "egov-1"), "waits here") })
}
