package topics

import (
	"slices"
	"time"
)

// A Try is an attempt at a message that came to nothing, so that another one
// followed. Times that are not known are zero.
type Try struct {
	Began     time.Time `json:"began"`
	CallBegan time.Time `json:"call_began,omitzero"` // zero where the system was not called
	CallEnded time.Time `json:"call_ended,omitzero"`

	// Code is that of the failure, as letters have it; the failure's class where it
	// has none; "claim" where the claim could not be kept after the call. It never
	// is a text of a system.
	Code string `json:"code"`
}

// codeClaim is the code of a Try whose claim could not be kept.
const codeClaim = "claim"

// How many tries of a message are kept: the first ones tell how its trouble began,
// the last ones how it is now.
const (
	firstTries = 2
	lastTries  = 6
)

// tries are the attempts so far at one message of a lane. They never change once
// they are made, for they are handed on to what is reported; nil where there was
// none.
type tries struct {
	stream *stream // where the message lies, as does offset
	offset int64
	made   int
	kept   []Try
}

// of returns t if it is about an entry, else nil.
func (t *tries) of(e *entry) *tries {
	if t == nil || t.stream != e.stream || t.offset != e.offset {
		return nil
	}
	return t
}

// with returns t and one try more at an entry.
func (t *tries) with(e *entry, one Try) *tries {
	next := &tries{stream: e.stream, offset: e.offset, made: t.count() + 1}
	kept := t.list()
	if len(kept) == firstTries+lastTries {
		kept = slices.Delete(slices.Clone(kept), firstTries, firstTries+1)
	}
	next.kept = append(slices.Clip(kept), one)
	return next
}

func (t *tries) count() int {
	if t == nil {
		return 0
	}
	return t.made
}

func (t *tries) list() []Try {
	if t == nil {
		return nil
	}
	return t.kept
}

// tried tells of this attempt, which came to nothing.
func (l *life) tried(code string) *Try {
	t := &Try{Began: l.read.UTC(), Code: code}
	t.CallBegan, t.CallEnded = l.called()
	return t
}

// called returns when the call began and ended, by the clock that is told to
// others, which may be set back under it; zero if there was none.
func (l *life) called() (began, ended time.Time) {
	if l.asked.IsZero() {
		return
	}
	began = l.asked
	if began.Before(l.read) {
		began = l.read
	}
	return began.UTC(), began.Add(l.took).UTC()
}

// TryNumber returns which attempt at the message its i-th try was, from 1: where
// there were many, those in the middle are not kept.
func (o *Outcome) TryNumber(i int) int {
	made := o.Attempts
	if o.Result != ResultParked {
		made-- // the last attempt is told by the outcome itself
	}
	if i < firstTries {
		return i + 1
	}
	return max(i+1, made-len(o.Tries)+i+1)
}
