package limit

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"kandashub/topics"
	"kandashub/topics/payload"
)

// caller calls the system.
type caller struct {
	client *http.Client
	url    string
	soap   bool
}

func newCaller(o Options) *caller {
	c := &caller{soap: o.System == "egov", url: o.URL + "/api/v1/cabinet/notices", client: &http.Client{
		Timeout: 8 * time.Second,
		Transport: &http.Transport{
			MaxConnsPerHost: o.Workers, MaxIdleConnsPerHost: o.Workers, IdleConnTimeout: 30 * time.Second, DisableCompression: true,
		},
	}}
	if c.soap {
		c.url = o.URL + "/bip-async"
	}
	return c
}

// do calls once.
func (c *caller) do(ctx context.Context, m kafka.Message) error {
	notice := topics.NoticeID(string(m.Key), header(m, "ce_id"))
	contentType := "application/json"
	body := passedThrough(notice, m.Value)
	if c.soap {
		var err error
		if body, err = translated(notice, m); err != nil {
			return err
		}
		contentType = "text/xml; charset=utf-8"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	if c.soap {
		req.Header["SOAPAction"] = []string{`""`}
	} else {
		req.Header.Set("X-Message-Id", notice)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the system answers %s", resp.Status)
	}
	return nil
}

func header(m kafka.Message, key string) string {
	for _, h := range m.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// passedThrough is the payload with the notice's id before it: as many bytes as
// the hub sends, and no translation.
func passedThrough(notice string, value []byte) []byte {
	body := make([]byte, 0, len(value)+len(notice)+16)
	body = append(body, `{"notice":"`...)
	body = append(body, notice...)
	body = append(body, `",`...)
	return append(body, value[1:]...)
}

// translated is the payload as the gateway wants it.
func translated(notice string, m kafka.Message) ([]byte, error) {
	var n payload.Notification
	if err := json.Unmarshal(m.Value, &n); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Grow(len(m.Value) + 2048)
	tag := func(name, value string) {
		b.WriteString("<" + name + ">")
		_ = xml.EscapeText(&b, []byte(value)) // a bytes.Buffer never fails
		b.WriteString("</" + name + ">")
	}
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Header/><soap:Body>` +
		`<t:sendMessage xmlns:t="http://bip.bee.kz/AsyncChannel/v10/Types"><request><messageInfo>`)
	tag("messageId", notice)
	tag("correlationId", n.ApplicationID)
	tag("serviceId", "KANDAS_STATUS_NOTIFICATION")
	tag("messageType", "NOTIFICATION")
	tag("messageDate", time.Now().Format("2006-01-02T15:04:05.000-07:00"))
	b.WriteString(`<sender><senderId>limit</senderId></sender></messageInfo><messageData><data>` +
		`<k:notification xmlns:k="urn:kandashub:egov:notification:v1"><updatedValues><code>processing_status</code><values><domainItemData>`)
	tag("code", strings.ToUpper(n.Kind))
	tag("kkValue", n.Event.Text.KK)
	tag("ruValue", n.Event.Text.RU)
	b.WriteString(`</domainItemData></values></updatedValues>`)
	tag("externalRequestChainId", n.ApplicationID)
	tag("externalRequestId", n.ApplicationID)
	tag("processingStatus", "IN_PROGRESS")
	tag("resolutionType", "NO_RESOLUTION")
	tag("eventId", n.EventID)
	tag("issuedAt", n.Event.IssuedAt)
	if r := n.Event.Registration; r != nil {
		tag("number", r.Number)
		tag("date", r.Date)
	}
	if s := n.Event.Signature; s != nil {
		b.WriteString(`<document>`)
		tag("format", s.Format)
		tag("value", s.Value)
		b.WriteString(`</document>`)
	}
	b.WriteString(`</k:notification></data></messageData></request></t:sendMessage></soap:Body></soap:Envelope>`)
	return b.Bytes(), nil
}
