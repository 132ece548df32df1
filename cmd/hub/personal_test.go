package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"kandashub/mocks"
	"kandashub/mocks/samples"
	mockshep "kandashub/mocks/shep"
	"kandashub/observability/spantest"
	"kandashub/topics"
	"kandashub/topics/control"
	"kandashub/topics/outcomes"
	"kandashub/topics/servertest"
)

// TestNothingPersonalShows lets people who are hard for software through a hub
// that logs everything, has systems fail on them and refuse them with their own
// data in the answer, sends bad input that holds personal data, and then looks
// for each value in everything that is no payload.
func TestNothingPersonalShows(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	spans := spantest.Receive(t)
	w := newWorld(t, "HUB_BREAKER_FAILURES=1000", "HUB_OTLP="+spans.URL, "HUB_TRACE_SAMPLE=1", "HUB_OUTCOMES_DIR="+filepath.Join(temp, "index"))
	w.start()
	values := w.personalValues()

	w.failSometimes()
	var flows []samples.Flow
	for _, name := range []string{"names", "two-alphabets", "family-of-twelve", "iin-several", "bad-signature", "certificate-reissue", "extension", "filed-egov"} {
		f := w.flow(name)
		w.play(f)
		flows = append(flows, f)
	}
	w.finish(flows...)
	w.sendBadInput(flows[0].Applications[0])
	last := w.echo()
	desk := newDesk(w)
	desk.operate(flows[0].Applications[0])

	servertest.Eventually(t, "the last spans are exported", func() bool { return strings.Contains(spans.Text(), last) })
	for place, text := range w.places(temp, spans, desk) {
		if strings.TrimSpace(text) == "" {
			t.Errorf("nothing was found in %s: the test does not look there", place)
		}
		if shown := leaks(text, values); len(shown) > 0 {
			t.Errorf("%s shows %d personal values, among them %q: %s", place, len(shown), shown[0], around(text, shown[0]))
		}
	}
	t.Run("and would be seen", func(t *testing.T) {
		if os.Getenv("KAFKA_BROKERS") != "" {
			t.Skip("what is planted would stay in topics that other tests share")
		}
		w.in(t)
		w.plant(temp, spans, desk, values)
	})
}

// personalValues are the values of all people of this world, and their birth
// dates.
func (w *world) personalValues() []string {
	flows := samples.Flows(w.run, 1)
	values := samples.PersonalValues(flows...)
	for _, f := range flows {
		for _, a := range f.Applications {
			for _, p := range append([]samples.Person{a.Applicant.Person}, a.Family...) {
				if len(p.BirthDate) == len("1899-12-31") {
					values = append(values, p.BirthDate)
				}
			}
		}
	}
	return append(values, wrongIIN)
}

// wrongIIN has a wrong control digit.
const wrongIIN = "990101200018"

// failSometimes spoils a part of what the systems answer; nothing is rejected.
func (w *world) failSometimes() {
	for name, operation := range map[string]string{"gbdfl": "find", "kandas": "", "migration": "show", "eds": "verify"} {
		w.systems[name].Faults.Set(
			mocks.Fault{Operation: operation, Times: 3, Malformed: true},
			mocks.Fault{Operation: operation, Times: 3, Rate: 0.3, Status: 500, After: true},
			mocks.Fault{Operation: operation, Times: 3, Rate: 0.3, Reset: true},
			mocks.Fault{Operation: operation, Times: 2, Rate: 0.3, Truncate: true},
			mocks.Fault{Operation: operation, Times: 2, Rate: 0.2, Status: 429, RetryAfterS: 1})
	}
	w.systems["egov"].Faults.Set(mocks.Fault{Operation: "sendMessage", Times: 2, SOAPFault: "Server"})
}

// sendBadInput hands over, by every way in, what must be refused and holds the
// data of a person.
func (w *world) sendBadInput(form *samples.Application) {
	w.t.Helper()
	person := form.Applicant.Person
	for _, spoil := range []func(m *topics.Message){
		func(m *topics.Message) { m.Data = m.Data[:len(m.Data)-20] },
		change(w.t, func(f map[string]any) { f[person.Name] = person.Surname }),
		change(w.t, func(f map[string]any) { f["applicant"].(map[string]any)["birth_date"] = person.Surname }),
		change(w.t, func(f map[string]any) { f["applicant"] = person.Surname }),
		change(w.t, func(f map[string]any) { f["applicant"].(map[string]any)["iin"] = wrongIIN }),
		change(w.t, func(f map[string]any) { delete(f, "consent") }),
		change(w.t, func(f map[string]any) { f["application_id"] = person.Surname }),
		func(m *topics.Message) { m.Data = []byte(strconv.Quote(person.Surname)) },
		func(m *topics.Message) { m.Type = person.Surname },
		func(m *topics.Message) { m.Source = person.Surname },
	} {
		a := *form
		a.ApplicationID = servertest.Unique("migration-")
		m := w.filed(&a)
		spoil(&m)
		if status, _, _ := w.post("migration.applications", m); status/100 != 4 {
			w.t.Errorf("bad input was answered with %d", status)
		}
		w.publish("migration.applications", m)
		servertest.Eventually(w.t, "a dead letter", func() bool { return len(w.recordsOf("register.dead", m.Subject, "letter")) > 0 })
	}
	a := *form
	a.ApplicationID = servertest.Unique("egov-")
	data := applicationXML(w.t, a)
	for _, bad := range []string{
		data[:len(data)/2],
		strings.Replace(data, "<applicant>", "<applicant><"+person.Surname+">1</"+person.Surname+">", 1),
		strings.Replace(data, "<surname>", "<surname>"+strings.Repeat("<b>", 80)+strings.Repeat("</b>", 80), 1),
		strings.Replace(data, "<applicant>", "<applicant>"+person.Surname, 1),
		strings.Replace(data, "<birth_date>", "<birth_date>"+person.Surname, 1),
		strings.Replace(data, "<given>true", "<given>"+person.Surname, 1),
	} {
		for _, envelope := range []string{
			w.syncMessage("egov", servertest.Unique("message-"), "EGOV_KANDAS_APPLICATION", bad),
			w.asyncMessage("egov", servertest.Unique("message-"), "EGOV_KANDAS_APPLICATION", bad),
		} {
			path := shepAsync
			if strings.Contains(envelope, mockshep.NamespaceSync) {
				path = shepSync
			}
			w.soap(path, "egov", envelope)
		}
	}
}

// echo sends one message of each source topic on its way again, as another
// application's, while every system refuses it or breaks down, and answers with
// the request that it got. It returns the last of these applications.
func (w *world) echo() (last string) {
	w.t.Helper()
	for _, s := range w.systems {
		s.Faults.Clear()
	}
	var sent []string
	for _, status := range []int{http.StatusOK, http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusInternalServerError} {
		for _, calls := range w.calls {
			calls.answer(func(rw http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					return
				}
				rw.Header().Set("Content-Type", r.Header.Get("Content-Type"))
				if strings.Contains(r.Header.Get("Content-Type"), "xml") && status >= 500 {
					body = fmt.Appendf(nil, "%s", mockshep.Envelope(`<soap:Fault><faultcode>soap:Client</faultcode><faultstring>`+mockshep.Escape(string(body))+`</faultstring></soap:Fault>`))
				}
				rw.WriteHeader(status)
				rw.Write(body) //nolint:errcheck // the hub may have gone
			})
		}
		first := len(sent)
		for _, r := range routes {
			for _, topic := range r.reads {
				if records := w.records(topic); len(records) > 0 {
					sent = append(sent, w.again(largest(records)))
				}
			}
		}
		for _, a := range sent[first:] {
			servertest.Eventually(w.t, "what came of "+a+" is logged", func() bool { return strings.Contains(w.log.String(), `"`+a+`"`) })
		}
	}
	if len(sent) < 40 {
		w.t.Errorf("only %d messages met a system that echoes", len(sent))
	}
	for _, calls := range w.calls {
		calls.answer(nil)
	}
	return sent[len(sent)-1]
}

func largest(records []*topics.Record) *topics.Record {
	return slices.MaxFunc(records, func(a, b *topics.Record) int { return len(a.Value) - len(b.Value) })
}

// again writes a record once more, with an id and an application of its own,
// and returns the application.
func (w *world) again(r *topics.Record) string {
	w.t.Helper()
	channel, _, _ := strings.Cut(string(r.Key), "-")
	application, id := servertest.Unique(channel+"-"), servertest.Unique("id-")
	value := bytes.ReplaceAll(r.Value, r.Key, []byte(application)) // in a notice's id, too
	value = bytes.ReplaceAll(value, []byte(`"request_id":"`+headerOf(r, "ce_id")), []byte(`"request_id":"`+id))
	copied := badRecord{headers: r.Headers}.with("ce_id", id).with("ce_subject", application)
	w.append(r.Topic, []byte(application), value, 0, copied.headers...)
	return application
}

// places are all texts that are no payload, by where they are.
func (w *world) places(temp string, spans *spantest.Receiver, desk *desk) map[string]string {
	w.t.Helper()
	_, metrics := w.get("/metrics")
	_, ready := w.get("/readyz")
	found := map[string]string{
		"the log": w.log.String(), "/metrics": metrics, "/readyz": ready, "an answer of the intake or SHEP": strings.Join(w.answers, "\n"),
		"a span": spans.Text(), "what hubctl says": desk.said.String(),
		"an outcome": w.valuesOf(outcomes.Topic), "the audit": w.valuesOf(control.AuditTopic), "hub.control": w.valuesOf(control.Topic),
	}
	var headers, keys, values, files, index strings.Builder
	for _, topic := range w.topicNames() {
		for _, r := range w.records(topic) {
			fmt.Fprintf(&headers, "%s\n", r.Key)
			for _, h := range r.Headers {
				if name := string(h.Value); (h.Key == "ce_type" || h.Key == "ce_source") && !w.contract.Knows(name) {
					continue // sent so by sendBadInput, and kept with the letter
				}
				fmt.Fprintf(&headers, "%s: %s\n", h.Key, h.Value)
			}
		}
	}
	ctx := w.t.Context()
	for scan := w.rdb.Scan(ctx, 0, "*", 1000).Iterator(); scan.Next(ctx); {
		fmt.Fprintln(&keys, scan.Val())
		if hash, err := w.rdb.HGetAll(ctx, scan.Val()).Result(); err == nil {
			fmt.Fprintln(&values, hash)
		} else if text, err := w.rdb.Get(ctx, scan.Val()).Result(); err == nil {
			fmt.Fprintln(&values, text)
		}
	}
	err := filepath.WalkDir(temp, func(path string, f fs.DirEntry, err error) error {
		fmt.Fprintln(&files, path)
		if err != nil || f.IsDir() || !strings.HasPrefix(path, filepath.Join(temp, "index")) {
			return err
		}
		content, err := os.ReadFile(path)
		index.Write(content)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	found["a header or key in Kafka"], found["a key in Redis"] = headers.String(), keys.String()
	found["a finished claim"], found["a file name"], found["the index of outcomes"] = values.String(), files.String(), index.String()
	return found
}

// valuesOf are the values of a topic of the hub's own, one a line.
func (w *world) valuesOf(topic string) string {
	w.t.Helper()
	var out strings.Builder
	for _, r := range w.records(topic) {
		fmt.Fprintf(&out, "%s\n", r.Value)
	}
	return out.String()
}

var shortNumber = regexp.MustCompile(`^[0-9]{1,9}$`)

// leaks returns the values that a text shows, in any case, escaped as in URLs,
// JSON and XML, and in base64. A short number must stand alone: times and sizes
// hold others by chance.
func leaks(text string, values []string) (shown []string) {
	written := text
	text = strings.ToLower(text)
	for _, v := range values {
		if slices.ContainsFunc(inBase64(v), func(form string) bool { return strings.Contains(written, form) }) {
			shown = append(shown, v)
			continue
		}
		ascii := strconv.QuoteToASCII(v)
		forms := []string{v, url.QueryEscape(v), url.PathEscape(v), ascii[1 : len(ascii)-1], mockshep.Escape(v)}
		slices.Sort(forms)
		for _, form := range slices.Compact(forms) {
			if contains(text, strings.ToLower(form)) {
				shown = append(shown, v)
				break
			}
		}
	}
	return shown
}

// around returns where a text shows a value as it is.
func around(text, value string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(strings.ToLower(line), strings.ToLower(value)) {
			return strings.TrimSpace(line)
		}
	}
	return "escaped"
}

// inBase64 are the forms that a value has in base64 wherever it stands in what is
// encoded: by the three ways in which bytes fall into groups, without the signs
// that its neighbours have a part in. Of a short value nothing certain is left.
func inBase64(value string) (forms []string) {
	for before := range 3 {
		padded := append(make([]byte, before), value...)
		whole := len(padded) / 3 * 3
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if form := e.EncodeToString(padded[:whole]); len(form) >= 4+12 {
				forms = append(forms, form[4:]) // of the first group a neighbour may have a part
			}
		}
	}
	return forms
}

func contains(text, form string) bool {
	if !shortNumber.MatchString(form) {
		return strings.Contains(text, form)
	}
	for from := 0; ; {
		i := strings.Index(text[from:], form)
		if i < 0 {
			return false
		}
		before, after := byte(' '), byte(' ')
		if from += i; from > 0 {
			before = text[from-1]
		}
		if from += len(form); from < len(text) {
			after = text[from]
		}
		if !bytes.ContainsRune([]byte("0123456789."), rune(before)) && !('0' <= after && after <= '9') {
			return true
		}
	}
}

// plant puts one value into each place, and finds it there.
func (w *world) plant(temp string, spans *spantest.Receiver, desk *desk, values []string) {
	w.t.Helper()
	i := slices.IndexFunc(values, func(v string) bool {
		return strings.ContainsFunc(v, func(r rune) bool { return r > 0x400 }) && !strings.ContainsAny(v, " ,")
	})
	name := values[i]
	number := values[slices.IndexFunc(values, shortNumber.MatchString)]
	ctx := w.t.Context()
	fmt.Fprintf(w.log, "{\"msg\":\"%s\"}\n", strings.ToUpper(name))
	w.append("migration.receipts", []byte(w.run), nil, 0, kafka.Header{Key: "note", Value: []byte("no " + number)})
	w.append(outcomes.Topic, []byte(w.run), []byte(name), 0)
	w.append(control.Topic, []byte("pause/none"), []byte(base64.StdEncoding.EncodeToString([]byte("{name: "+name+" "+name+"}"))), 0)
	step := control.AuditRecord{Request: w.run, Actor: "test", Action: "pause route", Object: name, Reason: "a test", Result: control.Refused}
	if err := control.NewAudit(w.cluster, w.producer).Write(ctx, step); err != nil {
		w.t.Fatal(err)
	}
	desk.said.WriteString(strconv.QuoteToASCII(name))
	w.answers = append(w.answers, url.QueryEscape(name))
	spans.Add(&tracepb.Span{Name: "process " + name})
	key := w.run + ":" + name
	if err := w.rdb.HSet(ctx, key, "value", name).Err(); err != nil {
		w.t.Fatal(err)
	}
	defer w.rdb.Del(ctx, key)
	for _, file := range []string{filepath.Join(temp, name+".json"), filepath.Join(temp, "index", "more")} {
		if err := os.WriteFile(file, []byte(name), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	planted := []string{name, number} // others' values were not found before: only these can be
	for place, text := range w.places(temp, spans, desk) {
		if place != "/metrics" && place != "/readyz" && len(leaks(text, planted)) == 0 {
			w.t.Errorf("a value planted in %s is not found", place)
		}
	}
}
