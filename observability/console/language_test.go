package console_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kandashub/observability/console"
	"kandashub/topics"
	"kandashub/topics/contract"
	"kandashub/topics/control"
	"kandashub/topics/outcomes"
)

var (
	verb    = regexp.MustCompile(`%v|\{s\}`)
	literal = regexp.MustCompile(`\bt "([a-z.]+)"`)
	family  = regexp.MustCompile(`\bt \(print "([a-z.]+\.)"|\bword "([a-z]+)"`)
	given   = regexp.MustCompile(`"(?:Title|Text|Button)" "([a-z.]+)"`)
	inCode  = regexp.MustCompile(`"((?:note|error|unit|wrong|do|plan|run|loss)\.[a-z]+)"`)
	wrongs  = regexp.MustCompile(`\bwrong\("([a-z]+)"`)
	refusal = regexp.MustCompile(`\b(?:refuse|missing|refusal)\("([a-z_]+)"`)
)

// Every text stands in every language, with as many figures in it.
func TestLanguagesSayTheSame(t *testing.T) {
	en, err := console.Texts("en")
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range console.Languages() {
		texts, err := console.Texts(lang)
		if err != nil {
			t.Fatal(err)
		}
		for key, text := range en {
			other, ok := texts[key]
			if !ok || strings.TrimSpace(other) == "" {
				t.Errorf("%s has no text for %s", lang, key)
			} else if !slices.Equal(verb.FindAllString(text, -1), verb.FindAllString(other, -1)) {
				t.Errorf("%s: %s has other figures: %q and %q", lang, key, text, other)
			}
		}
		for key := range texts {
			if _, ok := en[key]; !ok {
				t.Errorf("%s has a text for %s, which English does not know", lang, key)
			}
		}
	}
}

// Every text that a page asks for is there, and none is there for nobody.
func TestTextsAreThoseOfThePages(t *testing.T) {
	texts, err := console.Texts("en")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	use := func(key string) {
		used[key] = true
		if _, ok := texts[key]; !ok {
			t.Errorf("there is no text for %s", key)
		}
	}
	var families []string
	for _, pattern := range []string{"pages/*.html", "*.go", "../../topics/control/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, re := range []*regexp.Regexp{literal, given, inCode} {
				for _, m := range re.FindAllStringSubmatch(string(b), -1) {
					use(m[1])
				}
			}
			for prefix, re := range map[string]*regexp.Regexp{"wrong.": wrongs, "refusal.": refusal} {
				for _, m := range re.FindAllStringSubmatch(string(b), -1) {
					use(prefix + m[1])
				}
			}
			for _, m := range family.FindAllStringSubmatch(string(b), -1) {
				families = append(families, m[1]+m[2])
			}
		}
	}
	for key := range texts {
		inFamily := slices.ContainsFunc(families, func(f string) bool { return strings.HasPrefix(key, strings.TrimSuffix(f, ".")+".") })
		if !used[key] && !inFamily && !strings.HasPrefix(key, "unit.") {
			t.Errorf("no page asks for %s", key)
		}
	}
	sets := map[string][]string{
		"state.": {"running", "paused", "failed", "absent", "unknown"}, "breaker.": {"closed", "half_open", "open", "forced_open", "forced_closed", "unknown"},
		"class.":    {topics.LetterRejected, topics.LetterUncertain, topics.LetterEffectDone, topics.LetterUntrusted},
		"decision.": {topics.DecideReplay, topics.DecideAnswer, topics.DecideDiscard, topics.DecideUndo},
		"audit.":    {control.Asked, control.Done, control.Refused, control.Failed},
		"letter.":   {"open", "decided", "resolved", "died", "all"}, "result.": {control.ResultOpen, control.ResultWaiting, control.ResultDone, control.ResultDelivered, control.ResultDiscarded,
			control.ResultDuplicate, control.ResultDied, control.ResultSkipped, topics.ResultAnswered, topics.ResultDeadLettered, "others"},
		"did.": control.Actions(), "where.": {outcomes.WaitPerson, outcomes.WaitHub, outcomes.WaitPause, outcomes.WaitParked, outcomes.WaitTurn},
		"message.": subjects(t), "was.": {control.BeforeRunning, control.BeforePaused, control.BeforeByItself, control.BeforeHeldOpen, control.BeforeHeldClosed},
		"effect.": {topics.C1.String(), topics.C2.String(), topics.C3.String(), topics.ReadOnly.String()}, "help.effect.": {"C1", "C2", "C3", "read"},
		"run.done.": {topics.DecideReplay, topics.DecideDiscard},
		"outcome.":  {outcomes.AttemptFailed, topics.ResultDelivered, topics.ResultDuplicate, topics.ResultRejected, topics.ResultDeadLettered},
		"pause.": {topics.PauseBreaker, topics.PauseAuth, topics.PauseTarget, topics.PauseRedis, topics.PauseKafka, topics.PauseDead,
			topics.PausePartitions, topics.PauseClaims, topics.PauseOperator, topics.PauseStopped},
		"deadline.": {outcomes.InTime, outcomes.AtRisk, outcomes.Late},
		"event.": {outcomes.EventMade, outcomes.EventWritten, outcomes.EventParked, outcomes.EventRead, outcomes.EventCalled, outcomes.EventReturned,
			outcomes.EventDelivered, outcomes.EventDuplicate, outcomes.EventLetter, outcomes.EventDecision, outcomes.EventAnswered, outcomes.EventDiscarded, outcomes.EventCommand, outcomes.EventBreaker},
		"role.": {"viewer", "operator", "approver", "admin"}, "lang.": console.Languages(), "theme.": {"light", "dark", "auto"},
		"unit.": {"rate", "point", "ms", "s", "min", "h", "d"},
	}
	pages, err := filepath.Glob("pages/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		if name := strings.TrimSuffix(filepath.Base(p), ".html"); name != "parts" {
			sets["title."] = append(sets["title."], name)
		}
	}
	for prefix, values := range sets {
		for _, v := range values {
			use(prefix + v)
		}
	}
}

// subjects are what the messages of the contract are about.
func subjects(t *testing.T) (found []string) {
	agreed, err := contract.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range agreed.Topics() {
		for _, m := range topic.Types {
			found = append(found, console.Subject(m))
		}
	}
	return found
}

// A page's words come from the tables: none stands in a template.
func TestPagesHoldNoWords(t *testing.T) {
	action, tag := regexp.MustCompile(`(?s)\{\{.*?\}\}`), regexp.MustCompile(`(?s)<[^>]*>`)
	word := regexp.MustCompile(`\p{L}{2,}`)
	allowed := []string{"kandashub", "Enter", "Esc", "hubctl", "alerts", "runbooks"}
	pages, err := filepath.Glob("pages/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		text := tag.ReplaceAllString(action.ReplaceAllString(string(b), " "), " ")
		for _, w := range word.FindAllString(text, -1) {
			if !slices.Contains(allowed, w) {
				t.Errorf("%s holds the word %q", p, w)
			}
		}
	}
}
