package limit

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/segmentio/kafka-go"

	"kandashub/adapters/shep"
	"kandashub/cmd/bench/load"
	"kandashub/topics"
)

// message is one as the bench sends it.
func message(system string) kafka.Message {
	for _, r := range (load.Plan{Run: 7, System: system, Records: 1, Applications: 1, Body: 1 << 10}).All() {
		m := kafka.Message{Topic: r.Topic, Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			m.Headers = append(m.Headers, kafka.Header{Key: h.Key, Value: h.Value})
		}
		return m
	}
	return kafka.Message{}
}

func TestBodies(t *testing.T) {
	m := message("migration")
	notice := topics.NoticeID(string(m.Key), header(m, "ce_id"))
	var sent struct {
		Notice  string `json:"notice"`
		EventID string `json:"event_id"`
	}
	if err := json.Unmarshal(passedThrough(notice, m.Value), &sent); err != nil || sent.Notice != notice || sent.EventID == "" {
		t.Errorf("the JSON body says %+v: %v", sent, err)
	}
	m = message("egov")
	notice = topics.NoticeID(string(m.Key), header(m, "ce_id"))
	body, err := translated(notice, m)
	if err != nil {
		t.Fatal(err)
	}
	root, err := shep.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"//messageInfo/messageId": notice, "//externalRequestId": "egov-0", "//number": "0", "//document/format": "cms",
	} {
		if e := root.FindElement(path); e == nil || e.Text() != want {
			t.Errorf("the SOAP body lacks %s with %s", path, want)
		}
	}
	value, err := kafka.ReadAll(reply("egov", m).Value)
	if err != nil || !bytes.Contains(value, []byte(`"notice":"`+notice+`"`)) {
		t.Errorf("the reply is %s: %v", value, err)
	}
}
