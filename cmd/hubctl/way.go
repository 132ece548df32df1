package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"kandashub/topics"
	"kandashub/topics/outcomes"
)

// tableWay tells where the application is, of which chains its way consists, and every
// step with the number of its chain.
func tableWay(t io.Writer, w way, now time.Time) {
	for _, line := range whereabouts(w, now) {
		fmt.Fprintln(t, line)
	}
	tableChains(t, w.Chains)
	numbers := map[time.Time]string{}
	for i := range w.Chains {
		numbers[w.Chains[i].Root] = numberOf(i, &w.Chains[i])
	}
	fmt.Fprintln(t, "\nCHAIN\tTIME\tAFTER\tEVENT\tROUTE\tAT\tMESSAGE\tMORE")
	for _, e := range outcomes.Brief(w.events()) {
		at, kind := e.System, e.Kind
		if kind == outcomes.EventAttempt {
			kind += fmt.Sprintf(" %d", e.Attempts)
		}
		if e.Operation != "" {
			at += ": " + e.Operation
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", numbers[e.Root], e.At.UTC().Format("2006-01-02T15:04:05.000Z"), e.After.Round(time.Millisecond), kind,
			dash(e.Route), dash(at), dash(e.Message), strings.Join(more(e), ", "))
	}
}

// whereabouts says in a sentence, or one for each place, where an application is.
func whereabouts(w way, now time.Time) (lines []string) {
	for _, p := range w.Waits {
		line := fmt.Sprintf("It waits at %s %s since %s (%s)", p.Route, waitsFor(p), when(p.Since, "-"), ago(now, p.Since))
		if p.Letter != "" {
			line += fmt.Sprintf(": letter %s (%s, %s)", p.Letter, p.Class, p.Code)
		}
		switch {
		case p.Behind == 1:
			line += "; 1 message waits behind it"
		case p.Behind > 1:
			line += fmt.Sprintf("; %d messages wait behind it", p.Behind)
		}
		lines = append(lines, line)
	}
	if len(lines) > 0 {
		return lines
	}
	line := "Nothing of it waits"
	if last := outcomes.Ended(w.events()); last.Kind != "" {
		line += fmt.Sprintf("; it was last %s at %s at %s", last.Kind, last.Route, when(last.At, "-"))
	}
	return []string{line}
}

// waitsFor names what an application waits for.
func waitsFor(p outcomes.Wait) string {
	switch p.For {
	case outcomes.WaitPerson:
		return "for a person"
	case outcomes.WaitHub:
		return "for a hub to carry out the decision of " + p.Who
	case outcomes.WaitPause:
		what := "for the end of the " + strings.TrimSuffix(pauseWord(p.Pause), " open")
		if p.Who != "" {
			what += " of " + p.Who
		}
		return what
	case outcomes.WaitParked:
		return "to be tried again, parked"
	}
	return "for its turn"
}

// more is what else is to be said of an event.
func more(e outcomes.Event) (out []string) {
	add := func(name, value string) {
		if value != "" {
			out = append(out, name+value)
		}
	}
	if e.Open {
		add("", "WAITS")
	}
	switch {
	case e.Kind == outcomes.EventAttempt:
		add("took ", e.Took.Round(time.Millisecond).String())
	case e.Attempts > 1, e.Attempts > 0 && e.Code != "":
		add("", fmt.Sprintf("attempt %d", e.Attempts))
	}
	add("", pauseOf(e))
	add("", e.Action)
	add("by ", e.Who)
	add("code ", e.Code)
	add("letter ", e.Letter)
	if e.Kind == outcomes.EventWritten {
		add("to ", e.Topic)
		add("", e.Type)
	}
	add("", e.Reason)
	return out
}

// pauseOf tells of a pause: why, since when, and where it has ended, until when and
// how long the message has waited for it.
func pauseOf(e outcomes.Event) string {
	switch {
	case e.Pause == "":
		return ""
	case e.Kind == outcomes.EventResumed:
		return fmt.Sprintf("%s from %s to %s, it waited %s", pauseWord(e.Pause), when(e.Since, "-"), when(e.Until, "-"), e.Waited.Round(time.Millisecond))
	case e.Waited > 0:
		return fmt.Sprintf("%s since %s, it waits for %s so far", pauseWord(e.Pause), when(e.Since, "-"), e.Waited.Round(time.Second))
	}
	return pauseWord(e.Pause) + " since " + when(e.Since, "-")
}

// pauseWord names the reason of a pause.
func pauseWord(reason string) string {
	if reason == topics.PauseBreaker {
		return "breaker open"
	}
	return "pause (" + strings.ReplaceAll(reason, "_", " ") + ")"
}

// tableChains names each chain by its first message, with its trace, and tells how it
// stands to its deadline, in a picture and in words.
func tableChains(t io.Writer, chains []outcomes.Chain) {
	fmt.Fprintln(t, "\nCHAIN\tFIRST MESSAGE\tBY\tBEGAN\tSTEPS\tTRACE\tDEADLINE\t\tGONE\tLEFT\tSTATE")
	for i, c := range chains {
		state := "done"
		if c.Open {
			state = "waits"
		}
		until, bar, gone, left := "-", "-", "-", "-"
		if d := c.Deadline; d != nil {
			state += ", " + strings.ReplaceAll(d.State(), "_", " ")
			until, bar, gone, left = when(d.Until, "-"), picture(*d), d.Gone().Round(time.Second).String(), d.Left().Round(time.Second).String()
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", numberOf(i, &c), dash(c.Type), dash(c.Source), when(c.Root, "-"), c.Steps, dash(c.Trace),
			until, bar, gone, left, state)
	}
}

// numberOf is the number of a chain by its place; a dash for steps of no chain.
func numberOf(i int, c *outcomes.Chain) string {
	if c.Root.IsZero() {
		return "-"
	}
	return strconv.Itoa(i + 1)
}

// picture is a bar of the time that has gone, with the deadline as |.
func picture(d outcomes.Deadline) string {
	const width = 20
	whole := max(d.Gone(), d.All())
	gone, until := int(width*d.Gone()/whole), int(width*d.All()/whole)
	bar := strings.Repeat("#", max(0, gone)) + strings.Repeat(".", width-max(0, gone))
	return "[" + bar[:until] + "|" + bar[until:] + "]"
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
