package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"kandashub/mocks"
)

// A question is a dead letter that asks whether an IIN was generated: the hub
// cannot know what became of the call, and the register knows no IIN (Rules 329,
// p. 10).
type question struct {
	letter      string
	application string
	generation  string // id of the message whose generation is unclear
}

// questionOf reads the question of a dead letter of iin-lookup, if it is one.
func questionOf(route, class, code, letter, application string, payload []byte) (question, bool) {
	if route != "iin-lookup" || class != "uncertain" || code != "iin_not_found_after_generation" {
		return question{}, false
	}
	var p struct {
		Generation struct {
			MessageID string `json:"message_id"`
		} `json:"generation"`
	}
	if json.Unmarshal(payload, &p) != nil || p.Generation.MessageID == "" {
		return question{}, false
	}
	return question{letter, application, p.Generation.MessageID}, true
}

// A duty is the officer on duty. Asked whether an IIN was generated, the officer
// asks ЦС «Миграционная полиция», which knows its own calls by their ids, and
// answers by hubctl, as people do.
type duty struct {
	migpolice *running
	hubctl    func(ctx context.Context, args ...string) error
	effect    func(mocks.Effect)
	note      func(format string, args ...any)
	pause     time.Duration // between two attempts to answer

	mu       sync.Mutex
	answered []answered
}

// answered is a question with its answer.
type answered struct {
	question
	made bool // an IIN was generated
}

// attempts is how often an answer is tried.
const attempts = 4

// answer answers one question, or says why it cannot.
func (d *duty) answer(ctx context.Context, q question) {
	var err error
	for attempt := range attempts {
		if attempt > 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(d.pause):
			}
		}
		if err = d.try(ctx, q); err == nil {
			return
		}
	}
	if ctx.Err() == nil {
		d.note("the person on duty cannot answer letter %s of %s: %v", q.letter, q.application, err)
	}
}

func (d *duty) try(ctx context.Context, q question) error {
	args := []string{"dead", "answer", q.letter, "--route", "iin-lookup", "--no-wait", "--who", "duty"}
	detail := "migpolice never got the call: none was generated"
	made := slices.ContainsFunc(d.migpolice.Ledger.Effects(), func(e mocks.Effect) bool {
		return e.Operation == "generate" && e.ID == q.generation
	})
	if made {
		iin, err := d.generated(ctx, q.generation)
		if err != nil {
			return err
		}
		args = append(args, "--iin", iin, "--why", "migpolice says which IIN it generated")
		detail = "migpolice says which IIN it generated"
	} else {
		args = append(args, "--none-generated", "--why", detail)
	}
	if err := d.hubctl(ctx, args...); err != nil {
		return err
	}
	d.mu.Lock()
	d.answered = append(d.answered, answered{q, made})
	d.mu.Unlock()
	d.effect(mocks.Effect{
		At: time.Now(), System: "person", Operation: "answer", Application: q.application, ID: q.letter, Detail: detail,
	})
	return nil
}

// generated asks migpolice which IIN it made for a message.
func (d *duty) generated(ctx context.Context, message string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.migpolice.addr+"/_generated/"+message, nil)
	if err != nil {
		return "", err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("ask migpolice: %w", err)
	}
	defer resp.Body.Close()
	var made struct {
		IIN string `json:"iin"`
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("ask migpolice: %s", resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || made.IIN == "" {
		return "", errors.New("ask migpolice: its answer holds no IIN")
	}
	return made.IIN, nil
}

// lost are the letters about generations that never arrived, one for each
// application and generation: a second one about the same has no such excuse.
func (d *duty) lost() map[string]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	letters, known := map[string]bool{}, map[[2]string]bool{}
	for _, a := range d.answered {
		about := [2]string{a.application, a.generation}
		if !a.made && !known[about] {
			known[about], letters[a.letter] = true, true
		}
	}
	return letters
}

// summary says in one line how often a person was asked, and why.
func (d *duty) summary() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	none, made := 0, 0
	for _, a := range d.answered {
		if a.made {
			made++
		} else {
			none++
		}
	}
	var why []string
	if none > 0 {
		why = append(why, fmt.Sprintf("migpolice never got the call: %d", none))
	}
	if made > 0 {
		why = append(why, fmt.Sprintf("the register did not show the new IIN: %d", made))
	}
	if why == nil {
		return "No person was asked."
	}
	return fmt.Sprintf("A person was asked %d times whether an IIN was generated (%s).", none+made, strings.Join(why, "; "))
}
