package intake

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"kandashub/topics"
	"kandashub/topics/contract"
)

// The codes of problems: a closed set. A problem's type is
// urn:kandashub:problem:<code>.
const (
	Unauthorized     = "unauthorized"
	ForbiddenTopic   = "forbidden_topic"
	WrongSource      = contract.WrongSource
	NotFound         = "not_found"
	MethodNotAllowed = "method_not_allowed"
	TooLarge         = "too_large"
	UnsupportedMedia = "unsupported_media_type"
	NotJSON          = "not_json"
	NotCloudEvent    = "not_cloudevent"
	NoID             = "no_id"
	UnknownType      = contract.UnknownType
	Schema           = contract.Schema
	Consent          = contract.Consent
	IIN              = contract.IIN
	Subject          = contract.Subject
	Unavailable      = "unavailable"
	Internal         = "internal"
)

// A Problem is an answer of RFC 9457, application/problem+json.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`

	// Action is what the sender can do.
	Action string `json:"action"`

	// Places are where the payload breaks its schema.
	Places []contract.Place `json:"places,omitempty"`
}

// TypePrefix begins the type of every problem.
const TypePrefix = "urn:kandashub:problem:"

// retryAfter is how long a sender should wait after 503, in seconds.
const retryAfter = 5

// kinds says what each code means: status, title, and what to do.
func kinds(code string) (status int, title, action string) {
	switch code {
	case Unauthorized:
		return http.StatusUnauthorized, "Not authorised", "send the system's token as Authorization: Bearer"
	case ForbiddenTopic:
		return http.StatusForbidden, "Not the system's topic", "write to the system's own topics only"
	case WrongSource:
		return http.StatusForbidden, "Wrong source", "set ce-source to the name of the system whose token is sent"
	case NotFound:
		return http.StatusNotFound, "Not found", "see /openapi.yaml for the paths, and asyncapi.yaml for the topics"
	case MethodNotAllowed:
		return http.StatusMethodNotAllowed, "Method not allowed", "use a method of the Allow header"
	case TooLarge:
		return http.StatusRequestEntityTooLarge, "Too large", "send references to files, not the files"
	case UnsupportedMedia:
		return http.StatusUnsupportedMediaType, "Unsupported media type", "send application/json with ce- headers, or application/cloudevents+json, in UTF-8 and not compressed"
	case NotJSON:
		return http.StatusBadRequest, "Not JSON", "send one JSON object in UTF-8"
	case NotCloudEvent:
		return http.StatusBadRequest, "Not a CloudEvent", "send the attributes id, type, source and subject, once each; time is RFC 3339"
	case NoID:
		return http.StatusBadRequest, "No id", "give the event an id of its own, and repeat it with the same id"
	case UnknownType:
		return http.StatusBadRequest, "Unknown type", "see asyncapi.yaml for the event types of the topic"
	case Schema:
		return http.StatusBadRequest, "Schema broken", "correct the places named, and send the event under a new id"
	case Consent:
		return http.StatusBadRequest, "No consent", "an application needs the consent to the processing of personal data: consent.given true, with its time"
	case IIN:
		return http.StatusBadRequest, "Not an IIN", "correct the number at the places named: its control digit or its birth date is wrong"
	case Subject:
		return http.StatusBadRequest, "Wrong subject", "set ce-subject to the application_id of the payload"
	case Unavailable:
		return http.StatusServiceUnavailable, "Not taken over", "repeat with the same id after the time in Retry-After"
	default:
		return http.StatusInternalServerError, "Internal error", "repeat with the same id; report it if it stays"
	}
}

// problem refuses a request for ever.
func problem(code, format string, args ...any) error {
	return topics.Fail(topics.Rejected, code, format, args...)
}

// problemOf turns an error into its answer. What went wrong on our side of the
// door is not told.
func problemOf(err error) Problem {
	f := topics.FailureOf(err)
	p := Problem{Type: TypePrefix + f.Code, Detail: "the event was not taken over"}
	p.Status, p.Title, p.Action = kinds(f.Code)
	if p.Status >= http.StatusInternalServerError {
		return p
	}
	var v *contract.Violation
	switch {
	case errors.As(err, &v):
		p.Detail, p.Places = v.Err.Error(), v.Places
	case f.Err != nil:
		p.Detail = f.Err.Error()
	}
	return p
}

func (p Problem) write(w http.ResponseWriter) {
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the sender may have gone
}
