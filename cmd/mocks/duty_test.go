package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/mocks"
	"kandashub/mocks/samples"
)

func TestQuestionOf(t *testing.T) {
	const payload = `{"application_id":"a","persons":[{"ref":"applicant"}],"generation":{"ref":"applicant","message_id":"m-1"}}`
	for _, tc := range []struct {
		name, route, class, code, payload string
		want                              bool
	}{
		{"the question", "iin-lookup", "uncertain", "iin_not_found_after_generation", payload, true},
		{"another route", "iin-generate", "uncertain", "iin_not_found_after_generation", payload, false},
		{"another class", "iin-lookup", "rejected", "iin_not_found_after_generation", payload, false},
		{"another code", "iin-lookup", "uncertain", "panic", payload, false},
		{"no generation", "iin-lookup", "uncertain", "iin_not_found_after_generation", `{}`, false},
		{"no JSON", "iin-lookup", "uncertain", "iin_not_found_after_generation", `{`, false},
	} {
		q, ok := questionOf(tc.route, tc.class, tc.code, "l", "a", []byte(tc.payload))
		if ok != tc.want || ok && q != (question{"l", "a", "m-1"}) {
			t.Errorf("%s: %+v, %v", tc.name, q, ok)
		}
	}
}

// office stands in for migpolice: it has generated for the message "made", and
// its ledger alone knows of "forgotten".
func office(t *testing.T) *running {
	t.Helper()
	ledger, err := mocks.OpenLedger(filepath.Join(t.TempDir(), "ledger.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ledger.Close() })
	for _, e := range []mocks.Effect{
		{Operation: "generate", ID: "made"}, {Operation: "generate", ID: "forgotten"}, {Operation: "refuse", ID: "refused"},
	} {
		if err := ledger.Record(e); err != nil {
			t.Fatal(err)
		}
	}
	api := http.NewServeMux()
	api.HandleFunc("GET /_generated/made", func(w http.ResponseWriter, _ *http.Request) {
		mocks.WriteJSON(w, http.StatusOK, map[string]string{"iin": "990101100010"})
	})
	s := httptest.NewServer(api)
	t.Cleanup(s.Close)
	return &running{System: &mocks.System{Ledger: ledger}, addr: s.Listener.Addr().String()}
}

func TestDutyAnswers(t *testing.T) {
	broken := errors.New("Kafka does not answer")
	for _, tc := range []struct {
		name       string
		generation string
		fails      int // of hubctl's first calls
		calls      int
		answer     string // among hubctl's arguments
		told, said string
	}{
		{"it never arrived", "lost", 0, 1, "--none-generated", "none was generated", ""},
		{"it was refused", "refused", 0, 1, "--none-generated", "none was generated", ""},
		{"it was made", "made", 0, 1, "--iin 990101100010", "says which IIN", ""},
		{"hubctl fails at first", "lost", attempts - 1, attempts, "--none-generated", "none was generated", ""},
		{"hubctl fails", "lost", attempts, attempts, "--none-generated", "", "cannot answer letter l-1 of a: " + broken.Error()},
		{"migpolice does not know which", "forgotten", 0, 0, "", "", "cannot answer letter l-1 of a: ask migpolice: 404"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var calls []string
			var told, said strings.Builder
			d := &duty{
				migpolice: office(t),
				hubctl: func(_ context.Context, args ...string) error {
					calls = append(calls, strings.Join(args, " "))
					if len(calls) <= tc.fails {
						return broken
					}
					return nil
				},
				effect: func(e mocks.Effect) { told.WriteString(e.System + " " + e.Application + " " + e.ID + " " + e.Detail) },
				note:   func(format string, args ...any) { fmt.Fprintf(&said, format, args...) },
			}
			d.answer(t.Context(), question{"l-1", "a", tc.generation})
			if len(calls) != tc.calls {
				t.Fatalf("hubctl was called %d times, want %d: %q", len(calls), tc.calls, calls)
			}
			for _, c := range calls {
				if !strings.HasPrefix(c, "dead answer l-1 --route iin-lookup --no-wait --who duty ") || !strings.Contains(c, tc.answer) || !strings.Contains(c, "--why ") {
					t.Errorf("hubctl %s", c)
				}
			}
			if !strings.Contains(told.String(), tc.told) || (tc.told != "") != strings.HasPrefix(told.String(), "person a l-1 ") {
				t.Errorf("timeline: %q, want %q", told.String(), tc.told)
			}
			if !strings.Contains(said.String(), tc.said) || (tc.said == "") != (said.Len() == 0) {
				t.Errorf("said %q, want %q", said.String(), tc.said)
			}
			if strings.Contains(told.String()+said.String(), "990101") {
				t.Error("the timeline shows an IIN")
			}
		})
	}
}

func TestDutyIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d := &duty{
		migpolice: office(t), pause: time.Hour,
		hubctl: func(context.Context, ...string) error { cancel(); return errors.New("it was ended") },
		note:   func(format string, args ...any) { t.Errorf(format, args...) },
	}
	d.answer(ctx, question{"l", "a", "lost"})
}

func TestDutySums(t *testing.T) {
	d := &duty{}
	if s := d.summary(); s != "No person was asked." {
		t.Errorf("said %q", s)
	}
	d.answered = []answered{
		{question{"1", "a", "m"}, false},
		{question{"2", "a", "m"}, false}, // the same again
		{question{"3", "b", "m"}, false}, // another application waits for it, too
		{question{"4", "a", "n"}, false},
		{question{"5", "a", "o"}, true}, // it arrived
	}
	if s := d.summary(); !strings.Contains(s, "5 times") || !strings.Contains(s, "got the call: 4;") || !strings.Contains(s, "new IIN: 1)") {
		t.Errorf("said %q", s)
	}
	var lost []string
	for letter := range d.lost() {
		lost = append(lost, letter)
	}
	slices.Sort(lost)
	if got := strings.Join(lost, " "); got != "1 3 4" {
		t.Errorf("lost %s", got)
	}
}

func TestLettersAsk(t *testing.T) {
	var effects []mocks.Effect
	var asked []question
	l := &letters{
		seen:   map[string]bool{},
		report: func(e mocks.Effect) { effects = append(effects, e) },
		ask:    func(q question) { asked = append(asked, q) },
	}
	record := func(kind, letter, code, payload string) *kafka.Record {
		return &kafka.Record{
			Key: kafka.NewBytes([]byte("a")), Value: kafka.NewBytes([]byte(payload)),
			Headers: []kafka.Header{
				{Key: "hub_kind", Value: []byte(kind)}, {Key: "hub_letter", Value: []byte(letter)},
				{Key: "hub_class", Value: []byte("uncertain")}, {Key: "hub_code", Value: []byte(code)},
			},
		}
	}
	const payload = `{"generation":{"message_id":"m-1"}}`
	for range 2 { // letters with one id are one letter
		for _, r := range []*kafka.Record{
			record("letter", "1", "iin_not_found_after_generation", payload),
			record("letter", "2", "panic", payload),
			record("decision", "1", "", `[]`),
			{Headers: []kafka.Header{{Key: "hub_kind", Value: []byte("letter")}, {Key: "hub_letter", Value: []byte("3")}}}, // neither key nor value
		} {
			if err := l.letter("iin-lookup.dead", r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(effects) != 3 || effects[0].System != samples.Hub || effects[0].Operation != "iin-lookup" || effects[0].Application != "a" || effects[0].ID != "1" {
		t.Errorf("effects %+v", effects)
	}
	if len(asked) != 1 || asked[0] != (question{"1", "a", "m-1"}) {
		t.Errorf("asked %+v", asked)
	}
}
