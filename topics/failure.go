package topics

import (
	"errors"
	"fmt"
	"time"
)

// A Class says what the hub does about a message whose call gave no answer.
type Class string

// The classes. An answer, also a refusal by the system, is no failure.
const (
	// Unavailable: it surely did not happen. The message waits and is called
	// again.
	Unavailable Class = "unavailable"
	// Uncertain: it may have happened. The effect contract decides.
	Uncertain Class = "uncertain"
	// Rejected: this message can never succeed. It becomes a dead letter.
	Rejected Class = "rejected"
	// Undecided: only a person can say what happened. It becomes a dead letter
	// of class uncertain.
	Undecided Class = "undecided"
)

// A Failure is the only kind of error an adapter or a rule returns. Any other
// error counts as Rejected with the code "internal".
//
// Neither Err nor Code may hold personal data or secrets: both reach logs and
// dead letters.
type Failure struct {
	Class Class

	// Code is one of a small closed set (connect, timeout, http_503,
	// soap_server, schema, ...): a metric label and a letter's header.
	Code string

	// RetryAfter is how long the system asked us to wait; zero if it did not.
	RetryAfter time.Duration

	// Pause, "auth" or "target", marks an unavailable outcome that comes from a
	// wrong setting: it pauses the whole route under that reason.
	Pause string

	Err error
}

func (f *Failure) Error() string {
	if f.Err == nil {
		return fmt.Sprintf("%s (%s)", f.Class, f.Code)
	}
	return fmt.Sprintf("%s (%s): %v", f.Class, f.Code, f.Err)
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Fail returns a Failure of class c whose text is made as by fmt.Errorf.
func Fail(c Class, code, format string, args ...any) *Failure {
	return &Failure{Class: c, Code: code, Err: fmt.Errorf(format, args...)}
}

// label is the failure's code, or its class where it has none.
func (f *Failure) label() string {
	if f.Code != "" {
		return f.Code
	}
	return string(f.Class)
}

// codeOf is the code of a failure; empty where there is none.
func codeOf(err error) string {
	var f *Failure
	switch {
	case err == nil:
		return ""
	case errors.As(err, &f):
		return f.Code
	}
	return "error"
}

// FailureOf returns the Failure in err, or one of class Rejected with the code
// "internal" where err is of another kind.
func FailureOf(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return &Failure{Class: Rejected, Code: "internal", Err: err}
}
