package intake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kandashub/observability"
	"kandashub/topics"
	"kandashub/topics/contract"
	"kandashub/topics/intake"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const (
	migrationToken = "token-of-the-portal-0001"
	corpToken      = "token-of-the-corp-000002"

	requestType  = "kz.statecorp.certificate.requested.v1"
	requestTopic = "statecorp.certificate-requests"
	requestPath  = "/v1/topics/" + requestTopic + "/events"
	requestID    = "statecorp-1899-000001"

	formType = "kz.migration.application.submitted.v1"
	formPath = "/v1/topics/migration.applications/events"
	formID   = "migration-1899-000001"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// kafka keeps what was published, or fails.
type kafka struct {
	mu        sync.Mutex
	fail      error
	published []published
}

type published struct {
	Topic   string
	Message topics.Message
}

func (k *kafka) Publish(_ context.Context, topic string, m topics.Message) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		return k.fail
	}
	k.published = append(k.published, published{topic, m})
	return nil
}

// sameTrace has cmp compare trace contexts.
var sameTrace = cmpopts.EquateComparable(observability.Trace{})

func open(t testing.TB) (*intake.Intake, *kafka) {
	t.Helper()
	c, err := contract.Load()
	if err != nil {
		t.Fatal(err)
	}
	k := &kafka{}
	return intake.New(intake.Config{
		Tokens:    map[string]string{"migration": migrationToken, "statecorp": corpToken, "egov": ""},
		Contract:  c,
		Publisher: k,
		MaxBody:   100_000,
		Now:       func() time.Time { return now },
	}), k
}

func sample(t testing.TB, ceType string) string {
	t.Helper()
	b, err := os.ReadFile("../schemas/testdata/" + ceType + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// A call is one request; the zero values of what it leaves out come from
// valid.
type call struct {
	method, path, token, body string
	header                    map[string]string // "-" removes
}

// valid is a request for a certificate that is taken over.
func valid(t testing.TB) call {
	return call{
		method: http.MethodPost, path: requestPath, token: corpToken, body: sample(t, requestType),
		header: map[string]string{
			"Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "id-1", "ce-type": requestType,
			"ce-source": "statecorp", "ce-subject": requestID, "ce-time": "2026-11-20T09:30:00+05:00",
		},
	}
}

// form is an application that is taken over.
func form(t testing.TB) call {
	c := valid(t)
	c.path, c.token, c.body = formPath, migrationToken, sample(t, formType)
	return c.with("ce-type", formType, "ce-source", "migration", "ce-subject", formID)
}

func (c call) with(pairs ...string) call {
	header := make(map[string]string)
	for k, v := range c.header {
		header[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		header[pairs[i]] = pairs[i+1]
	}
	c.header = header
	return c
}

func (c call) send(h http.Handler) *httptest.ResponseRecorder {
	r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for k, v := range c.header {
		if v != "-" {
			r.Header.Set(k, v)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Both modes make the same message, on the topic of the path.
func TestAccepted(t *testing.T) {
	const trace = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
	at := time.Date(2026, 11, 20, 4, 30, 0, 0, time.UTC)
	envelope := `{"specversion":"1.0","id":"id-1","type":"` + requestType + `","source":"statecorp","subject":"` + requestID +
		`","time":"2026-11-20T09:30:00+05:00","datacontenttype":"application/json","comexampleextension":7,"data":` + sample(t, requestType) + `}`
	structured := valid(t)
	structured.body = envelope
	structured.header = map[string]string{"Content-Type": "application/cloudevents+json; charset=UTF-8", "traceparent": trace}

	for name, tc := range map[string]struct {
		call  call
		at    time.Time
		trace string
	}{
		"binary":                {valid(t), at, ""},
		"binary, traced":        {valid(t).with("traceparent", trace), at, trace},
		"binary, bad trace":     {valid(t).with("traceparent", "x"), at, ""},
		"binary, least headers": {valid(t).with("ce-time", "-", "ce-specversion", "-"), now, ""},
		"binary, encoded":       {valid(t).with("ce-id", "id%2D1"), at, ""},
		"binary, no trace id":   {valid(t).with("traceparent", "00-00000000000000000000000000000000-0123456789abcdef-01"), at, ""},
		"structured":            {structured, at, trace},
	} {
		t.Run(name, func(t *testing.T) {
			h, k := open(t)
			w := tc.call.send(h)
			if w.Code != http.StatusAccepted || w.Body.Len() != 0 {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			if tc.trace == "" { // then a trace begins here
				tc.trace = k.published[0].Message.Trace.String()
				if tc.trace == "" {
					t.Error("there is no trace")
				}
			}
			trace, _ := observability.ParseTrace(tc.trace)
			want := []published{{requestTopic, topics.Message{
				ID: "id-1", Type: requestType, Source: "statecorp", Subject: requestID, Time: tc.at, Trace: trace,
				Data: json.RawMessage(sample(t, requestType)),
			}}}
			if diff := cmp.Diff(want, k.published, sameTrace); diff != "" {
				t.Errorf("published differs (-want +got): %s", diff)
			}
		})
	}
}

// refusals has at least one request for each problem that a sender can cause.
func refusals(t testing.TB) map[string]struct {
	call   call
	status int
	code   string
} {
	type refusal = struct {
		call   call
		status int
		code   string
	}
	edit := func(c call, change func(*call)) call { change(&c); return c }
	body := func(c call, from, to string) call {
		return edit(c, func(c *call) { c.body = strings.Replace(c.body, from, to, 1) })
	}
	path := func(p string) call { return edit(valid(t), func(c *call) { c.path = p }) }
	token := func(s string) call { return edit(valid(t), func(c *call) { c.token = s }) }
	structured := func(s string) call {
		return edit(valid(t).with("Content-Type", "application/cloudevents+json"), func(c *call) { c.body = s })
	}
	return map[string]refusal{
		"no token":                {token(""), 401, intake.Unauthorized},
		"unknown token":           {token("token"), 401, intake.Unauthorized},
		"longer token":            {token(corpToken + "0"), 401, intake.Unauthorized},
		"another scheme":          {token("").with("Authorization", "Basic "+corpToken), 401, intake.Unauthorized},
		"empty bearer":            {token("").with("Authorization", "Bearer "), 401, intake.Unauthorized},
		"another system's topic":  {path(formPath), 403, intake.ForbiddenTopic},
		"a topic of the hub":      {path("/v1/topics/gbdfl.lookups/events"), 403, intake.ForbiddenTopic},
		"a dead letter topic":     {path("/v1/topics/reissue.dead/events"), 403, intake.ForbiddenTopic},
		"another system's name":   {valid(t).with("ce-source", "migration"), 403, intake.WrongSource},
		"the hub's name":          {valid(t).with("ce-source", "hub"), 403, intake.WrongSource},
		"unknown topic":           {path("/v1/topics/nowhere/events"), 404, intake.NotFound},
		"unknown path":            {path("/v2/events"), 404, intake.NotFound},
		"root":                    {path("/"), 404, intake.NotFound},
		"GET of events":           {edit(valid(t), func(c *call) { c.method = http.MethodGet }), 405, intake.MethodNotAllowed},
		"PUT of events":           {edit(valid(t), func(c *call) { c.method = http.MethodPut }), 405, intake.MethodNotAllowed},
		"POST of the contract":    {path("/openapi.yaml"), 405, intake.MethodNotAllowed},
		"body too long":           {edit(valid(t), func(c *call) { c.body += strings.Repeat(" ", 100_001) }), 413, intake.TooLarge},
		"text":                    {valid(t).with("Content-Type", "text/plain"), 415, intake.UnsupportedMedia},
		"no media type":           {valid(t).with("Content-Type", "-"), 415, intake.UnsupportedMedia},
		"a batch":                 {valid(t).with("Content-Type", "application/cloudevents-batch+json"), 415, intake.UnsupportedMedia},
		"windows-1251":            {valid(t).with("Content-Type", "application/json; charset=windows-1251"), 415, intake.UnsupportedMedia},
		"compressed":              {valid(t).with("Content-Encoding", "gzip"), 415, intake.UnsupportedMedia},
		"structured XML":          {structured(`{"id":"1","datacontenttype":"text/xml","data":{}}`), 415, intake.UnsupportedMedia},
		"not JSON":                {edit(valid(t), func(c *call) { c.body = "<xml/>" }), 400, intake.NotJSON},
		"empty body":              {edit(valid(t), func(c *call) { c.body = "" }), 400, intake.NotJSON},
		"an array":                {edit(valid(t), func(c *call) { c.body = "[]" }), 400, intake.NotJSON},
		"structured, not JSON":    {structured("{"), 400, intake.NotJSON},
		"structured, no data":     {structured(`{"specversion":"1.0","id":"1"}`), 400, intake.NotJSON},
		"structured, id a number": {structured(`{"specversion":"1.0","id":1,"data":{}}`), 400, intake.NotCloudEvent},
		"another specversion":     {valid(t).with("ce-specversion", "0.3"), 400, intake.NotCloudEvent},
		"no type":                 {valid(t).with("ce-type", "-"), 400, intake.NotCloudEvent},
		"no subject":              {valid(t).with("ce-subject", "-"), 400, intake.NotCloudEvent},
		"time of another form":    {valid(t).with("ce-time", "20.11.2026"), 400, intake.NotCloudEvent},
		"bad percent-encoding":    {valid(t).with("ce-subject", "%zz"), 400, intake.NotCloudEvent},
		"no id":                   {valid(t).with("ce-id", "-"), 400, intake.NoID},
		"blank in the id":         {valid(t).with("ce-id", "a%20b"), 400, intake.NoID},
		"long id":                 {valid(t).with("ce-id", strings.Repeat("1", 201)), 400, intake.NoID},
		"unknown type":            {valid(t).with("ce-type", "kz.statecorp.unknown.v1"), 400, intake.UnknownType},
		"another topic's type":    {valid(t).with("ce-type", formType), 400, intake.UnknownType},
		"another subject":         {valid(t).with("ce-subject", requestID+"0"), 400, intake.Subject},
		"reason out of the list":  {body(valid(t), `"lost"`, `"stolen"`), 400, intake.Schema},
		"a name twice":            {body(valid(t), `"reason"`, `"reason": "lost", "reason"`), 400, intake.Schema},
		"no consent":              {body(form(t), `"given": true`, `"given": false`), 400, intake.Consent},
		"control digit of an IIN": {body(form(t), `"990101200017"`, `"990101200018"`), 400, intake.IIN},
		"birth date of an IIN":    {body(valid(t), `"990101200017"`, `"000229200019"`), 400, intake.IIN},
	}
}

// Every refusal is a problem of RFC 9457 that repeats nothing of the payload,
// and nothing is written.
func TestRefused(t *testing.T) {
	for name, tc := range refusals(t) {
		t.Run(name, func(t *testing.T) {
			h, k := open(t)
			w := tc.call.send(h)
			p := problemIn(t, w)
			if w.Code != tc.status || p.Status != tc.status || p.Type != intake.TypePrefix+tc.code {
				t.Fatalf("got %d %s, want %d %s", w.Code, w.Body, tc.status, tc.code)
			}
			if p.Title == "" || p.Detail == "" || p.Action == "" {
				t.Errorf("the problem does not say what to do: %s", w.Body)
			}
			for _, personal := range []string{"Күнсұлу", "0012345", "990101200018", "000229200019", "+976"} {
				if strings.Contains(w.Body.String(), personal) {
					t.Errorf("the problem repeats the payload: %s", w.Body)
				}
			}
			if len(k.published) > 0 {
				t.Errorf("published %v", k.published)
			}
		})
	}
}

func problemIn(t testing.TB, w *httptest.ResponseRecorder) intake.Problem {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("Content-Type %q: %d %s", got, w.Code, w.Body)
	}
	d := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	d.DisallowUnknownFields()
	var p intake.Problem
	if err := d.Decode(&p); err != nil {
		t.Fatal(err)
	}
	return p
}

// The headers that belong to an answer.
func TestHeadersOfRefusals(t *testing.T) {
	h, k := open(t)
	c := valid(t)
	c.method = http.MethodDelete
	if got := c.send(h).Header().Get("Allow"); got != "POST" {
		t.Errorf("Allow is %q", got)
	}
	c = valid(t)
	c.token = ""
	if got := c.send(h).Header().Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer") {
		t.Errorf("WWW-Authenticate is %q", got)
	}
	k.fail = context.DeadlineExceeded
	if n, err := strconv.Atoi(valid(t).send(h).Header().Get("Retry-After")); err != nil || n < 1 {
		t.Errorf("Retry-After is %d, %v", n, err)
	}
}

// The sender learns where a payload is wrong.
func TestPlaces(t *testing.T) {
	h, _ := open(t)
	c := form(t)
	c.body = strings.Replace(c.body, `"filed_at": "2026`, `"filed_at": "26`, 1)
	want := []contract.Place{{Pointer: "/filed_at", Rule: "date-time"}}
	if diff := cmp.Diff(want, problemIn(t, c.send(h)).Places); diff != "" {
		t.Error(diff)
	}
}

// Kafka does not answer: 503, nothing of the cause is told, and a repeat with
// the same id is written.
func TestKafkaAway(t *testing.T) {
	h, k := open(t)
	k.fail = errors.New("broker 10.0.0.7 refused")
	w := valid(t).send(h)
	if p := problemIn(t, w); w.Code != http.StatusServiceUnavailable || p.Type != intake.TypePrefix+intake.Unavailable || strings.Contains(w.Body.String(), "10.0.0.7") {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	k.fail = nil
	if w := valid(t).send(h); w.Code != http.StatusAccepted || len(k.published) != 1 {
		t.Errorf("the repeat got %d, published %d", w.Code, len(k.published))
	}
}

// A system whose token is empty cannot call, and neither can anybody without
// one.
func TestNoTokenNoCall(t *testing.T) {
	c, err := contract.Load()
	if err != nil {
		t.Fatal(err)
	}
	h := intake.New(intake.Config{Tokens: map[string]string{"statecorp": ""}, Contract: c, Publisher: &kafka{}})
	for _, header := range []string{"", "Bearer", "Bearer "} {
		call := valid(t).with("Authorization", header)
		call.token = ""
		if w := call.send(h); w.Code != http.StatusUnauthorized {
			t.Errorf("%q got %d", header, w.Code)
		}
	}
}

// Accept is the same door without HTTP.
func TestAccept(t *testing.T) {
	h, k := open(t)
	ctx := context.Background()
	m := topics.Message{ID: "id-1", Type: requestType, Source: "statecorp", Subject: requestID, Data: []byte(sample(t, requestType)), RootTime: now.Add(-time.Hour)}
	if err := h.Accept(ctx, "statecorp", requestTopic, m); err != nil {
		t.Fatal(err)
	}
	if got := k.published[0].Message; !got.Time.Equal(now) || !got.RootTime.IsZero() {
		t.Errorf("published with time %v, root time %v", got.Time, got.RootTime)
	}

	large := m
	large.Data = []byte(strings.Replace(string(m.Data), "{", "{"+strings.Repeat(" ", 1<<20), 1))
	for _, tc := range []struct {
		name, system, topic, code string
		m                         topics.Message
	}{
		{"another topic", "statecorp", "migration.applications", intake.ForbiddenTopic, m},
		{"another system", "migration", requestTopic, intake.ForbiddenTopic, m},
		{"the hub itself", "hub", "gbdfl.lookups", intake.ForbiddenTopic, m},
		{"too large for the topic", "statecorp", requestTopic, intake.TooLarge, large},
	} {
		f := topics.FailureOf(h.Accept(ctx, tc.system, tc.topic, tc.m))
		if f.Class != topics.Rejected || f.Code != tc.code {
			t.Errorf("%s: got %v", tc.name, f)
		}
	}
	k.fail = context.DeadlineExceeded
	if f := topics.FailureOf(h.Accept(ctx, "statecorp", requestTopic, m)); f.Class != topics.Unavailable {
		t.Errorf("Kafka away: got %v", f)
	}
}

// Whatever is sent, the answer is 202 with one message that keeps the contract,
// or a problem with none.
func FuzzRequest(f *testing.F) {
	h, k := open(f)
	c, err := contract.Load()
	if err != nil {
		f.Fatal(err)
	}
	v := valid(f)
	f.Add("application/json", "1.0", "id-1", "2026-11-20T09:30:00+05:00", requestID, v.body)
	f.Add("application/cloudevents+json", "", "", "", "", `{"id":"1","type":"`+requestType+`","source":"statecorp","subject":"`+requestID+`","data":`+v.body+`}`)
	f.Add("application/json; charset", "%", "%0d%0a", "now", "\x00", `{"a":{"a":[1e999]}}`)
	f.Fuzz(func(t *testing.T, media, version, id, at, subject, body string) {
		k.published = nil
		call := valid(t).with("Content-Type", media, "ce-specversion", version, "ce-id", id, "ce-time", at, "ce-subject", subject)
		call.body = body
		w := call.send(h)
		if w.Code != http.StatusAccepted {
			if p := problemIn(t, w); p.Status != w.Code || len(k.published) > 0 {
				t.Fatalf("got %d %s, published %d", w.Code, w.Body, len(k.published))
			}
			return
		}
		if len(k.published) != 1 {
			t.Fatalf("202, but %d messages", len(k.published))
		}
		p := k.published[0]
		if err := c.Check(p.Topic, p.Message); err != nil || p.Message.ID == "" || p.Message.Time.IsZero() {
			t.Fatalf("took over %+v: %v", p, err)
		}
	})
}
