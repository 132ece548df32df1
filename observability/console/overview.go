package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// overview is the first page: all routes at a glance.
func (v *visit) overview() error {
	s := v.now()
	return v.show(http.StatusOK, "overview", map[string]any{"Now": s, "Sums": sumUp(s), "Map": drawMap(s)})
}

// sums are the figures above the map.
type sums struct {
	Rate                                   float64
	Lag                                    int64
	Oldest                                 time.Time
	Parked, Letters, Stopped, Open, Routes int
}

func sumUp(s snapshot) (out sums) {
	for _, r := range s.Routes {
		out.Routes++
		out.Rate += r.Rate
		out.Lag += r.Lag
		out.Parked += r.Parked
		out.Letters += r.Letters
		if !r.Oldest.IsZero() && (out.Oldest.IsZero() || r.Oldest.Before(out.Oldest)) {
			out.Oldest = r.Oldest
		}
		if r.State != stateRunning {
			out.Stopped++
		}
		if r.Breaker.State == "open" || r.Breaker.State == "half_open" {
			out.Open++
		}
	}
	return out
}

// A cell is one live figure of a page: elements with data-live of its name show
// its text, and take its state.
type cell struct {
	Text  string `json:"text"`
	State string `json:"state,omitempty"`
}

// cells are the live figures of a snapshot, as a language writes them.
func cells(f formats, s snapshot) map[string]cell {
	now := time.Now()
	total := sumUp(s)
	out := map[string]cell{
		"sum.rate":    {Text: f.rate(total.Rate)},
		"sum.lag":     {Text: f.number(total.Lag)},
		"sum.oldest":  {Text: f.ago(total.Oldest, now)},
		"sum.parked":  {Text: f.number(total.Parked), State: attentionIf(total.Parked > 0)},
		"sum.letters": {Text: f.number(total.Letters), State: attentionIf(total.Letters > 0)},
		"sum.stopped": {Text: f.number(total.Stopped), State: attentionIf(total.Stopped > 0)},
		"sum.open":    {Text: f.number(total.Open), State: attentionIf(total.Open > 0)},
		"problem":     {Text: s.Problem, State: attentionIf(s.Problem != "")},
	}
	for _, r := range s.Routes {
		out[r.Name+".state"] = cell{f.texts.word("state", r.State), r.State}
		out[r.Name+".rate"] = cell{Text: f.rate(r.Rate)}
		out[r.Name+".lag"] = cell{Text: f.number(r.Lag)}
		out[r.Name+".oldest"] = cell{Text: f.ago(r.Oldest, now)}
		out[r.Name+".parked"] = cell{f.number(r.Parked), attentionIf(r.Parked > 0)}
		out[r.Name+".letters"] = cell{f.number(r.Letters), attentionIf(r.Letters > 0)}
		out[r.Name+".breaker"] = cell{f.texts.word("breaker", r.BreakerState()), r.BreakerState()}
	}
	for topic, t := range s.Topics {
		out["topic."+topic] = cell{Text: f.topic(t, now)}
	}
	return out
}

func attentionIf(yes bool) string {
	if yes {
		return "attention"
	}
	return "calm"
}

// BreakerState is the state of the route's breaker in one word.
func (r routeView) BreakerState() string {
	switch {
	case r.Held != nil:
		return "forced_" + r.Held.Force
	case !r.Here:
		return stateUnknown
	}
	return r.Breaker.State
}

// topic writes the figures of a topic on the map.
func (f formats) topic(t topicView, now time.Time) string {
	parts := []string{f.rate(t.Rate)}
	if t.Lag > 0 {
		parts = append(parts, f.number(t.Lag)+" · "+f.ago(t.Oldest, now))
	}
	return strings.Join(parts, " · ")
}

// An update is what the script is sent.
type update struct {
	At    int64           `json:"at"` // of the snapshot, Unix milliseconds
	Cells map[string]cell `json:"cells"`
}

// events sends the live figures for as long as the page is open.
func (v *visit) events() error {
	texts, err := loadTexts(v.lang)
	if err != nil {
		return err
	}
	f := formats{texts}
	flush := http.NewResponseController(v.w)
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("X-Accel-Buffering", "no") // a proxy that gathers would hold it back
	sent := time.Time{}
	for {
		s, changed := v.watch.attend()
		if !s.At.IsZero() && (s.At.After(sent) || s.Problem != "") {
			b, err := json.Marshal(update{s.At.UnixMilli(), cells(f, v.told(s, texts))})
			if err != nil {
				return err
			}
			_ = flush.SetWriteDeadline(time.Now().Add(10 * time.Second))
			if _, err := fmt.Fprintf(v.w, "data: %s\n\n", b); err != nil {
				return nil // the page was closed
			}
			if flush.Flush() != nil {
				return nil
			}
			sent = s.At
		}
		select {
		case <-changed:
		case <-v.r.Context().Done():
			return nil
		case <-v.ended:
			return nil
		}
		if _, err := v.userOf(v.r, page); err != nil {
			return nil // logged out meanwhile, or for so long without a request
		}
	}
}
