package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"kandashub/observability"
	"kandashub/topics"
)

// The media types of the two modes.
const (
	mediaBinary     = "application/json"
	mediaStructured = "application/cloudevents+json"
)

// read reads a request as one CloudEvent, in the mode that its media type
// names. It checks the form of the envelope only.
func (i *Intake) read(w http.ResponseWriter, r *http.Request) (topics.Message, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != mediaBinary && media != mediaStructured {
		return topics.Message{}, problem(UnsupportedMedia, "the media type is neither of the two that are read")
	}
	if cs := params["charset"]; cs != "" && !strings.EqualFold(cs, "utf-8") {
		return topics.Message{}, problem(UnsupportedMedia, "the body is not in UTF-8")
	}
	if r.Header.Get("Content-Encoding") != "" {
		return topics.Message{}, problem(UnsupportedMedia, "the body is compressed")
	}
	body, err := i.body(w, r)
	if err != nil {
		return topics.Message{}, err
	}
	var a attributes
	if media == mediaStructured {
		a, err = structured(body)
	} else {
		a, err = binary(r.Header, body)
	}
	if err != nil {
		return topics.Message{}, err
	}
	if a.TraceParent == "" {
		a.TraceParent = r.Header.Get("traceparent")
	}
	return a.message()
}

func (i *Intake) body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, i.cfg.MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, problem(TooLarge, "the body is longer than %d bytes", i.cfg.MaxBody)
	case err != nil:
		return nil, problem(NotJSON, "the body broke off")
	}
	return body, nil
}

// attributes are a CloudEvent as the JSON event format has it.
type attributes struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Type        string          `json:"type"`
	Source      string          `json:"source"`
	Subject     string          `json:"subject"`
	Time        string          `json:"time"`
	ContentType string          `json:"datacontenttype"`
	TraceParent string          `json:"traceparent"`
	Data        json.RawMessage `json:"data"`
}

// structured reads the JSON event format.
func structured(body []byte) (attributes, error) {
	var a attributes
	if err := json.Unmarshal(body, &a); err != nil {
		var te *json.UnmarshalTypeError
		if errors.As(err, &te) && te.Field != "" {
			return a, problem(NotCloudEvent, "attribute %s is not a string", te.Field)
		}
		return a, problem(NotJSON, "the body is not a JSON object")
	}
	if a.ContentType != "" && a.ContentType != mediaBinary {
		return a, problem(UnsupportedMedia, "datacontenttype is not application/json")
	}
	return a, nil
}

// binary reads the HTTP binary mode: attributes as headers, percent-encoded
// where they are not plain ASCII, and the body as data.
func binary(h http.Header, body []byte) (attributes, error) {
	a := attributes{Data: body}
	for name, to := range map[string]*string{
		"ce-specversion": &a.SpecVersion, "ce-id": &a.ID, "ce-type": &a.Type,
		"ce-source": &a.Source, "ce-subject": &a.Subject, "ce-time": &a.Time,
	} {
		values := h.Values(name)
		if len(values) > 1 {
			return a, problem(NotCloudEvent, "header %s is there twice", name)
		}
		var err error
		if *to, err = url.PathUnescape(strings.Join(values, "")); err != nil {
			return a, problem(NotCloudEvent, "header %s is not percent-encoded", name)
		}
	}
	return a, nil
}

// message makes our message of the attributes. A missing specversion reads as
// 1.0, a missing time as now.
func (a attributes) message() (topics.Message, error) {
	m := topics.Message{ID: a.ID, Type: a.Type, Source: a.Source, Subject: a.Subject, Data: bytes.TrimSpace(a.Data)}
	m.Trace, _ = observability.ParseTrace(a.TraceParent) // the trace of one that is none begins here
	if a.SpecVersion != "" && a.SpecVersion != "1.0" {
		return m, problem(NotCloudEvent, "specversion is not 1.0")
	}
	if a.Time != "" {
		var err error
		if m.Time, err = topics.ParseTime(a.Time); err != nil {
			return m, problem(NotCloudEvent, "the event's time is not RFC 3339")
		}
	}
	if len(m.Data) == 0 || m.Data[0] != '{' || !json.Valid(m.Data) {
		return m, problem(NotJSON, "the event's data is not a JSON object")
	}
	return m, nil
}
