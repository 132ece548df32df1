package shep

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"kandashub/mocks"
)

// items names the elements of the lists in a form.
var items = map[string]string{"family": "person", "attachments": "attachment"}

// XML writes a JSON form as the XML document that the hub reads: the root in
// namespace, its children in none, names and order as in the form.
func XML(root, namespace string, form []byte) (string, error) {
	dec := json.NewDecoder(bytes.NewReader(form))
	dec.UseNumber()
	var b strings.Builder
	fmt.Fprintf(&b, `<f:%s xmlns:f="%s">`, root, namespace)
	t, err := dec.Token()
	if err != nil || t != json.Delim('{') {
		return "", errors.New("the form is no JSON object")
	}
	if err := object(&b, dec); err != nil {
		return "", err
	}
	fmt.Fprintf(&b, `</f:%s>`, root)
	return b.String(), nil
}

// object writes the members of the object that has just begun.
func object(b *strings.Builder, dec *json.Decoder) error {
	for {
		t, err := dec.Token()
		if err != nil {
			return errors.New("the form is not valid JSON")
		}
		name, ok := t.(string)
		if !ok {
			return nil // its end
		}
		b.WriteString("<" + name + ">")
		if err := value(b, dec, name); err != nil {
			return err
		}
		b.WriteString("</" + name + ">")
	}
}

// value writes the next value, which stands under name.
func value(b *strings.Builder, dec *json.Decoder, name string) error {
	t, err := dec.Token()
	if err != nil {
		return errors.New("the form is not valid JSON")
	}
	switch t {
	case json.Delim('{'):
		return object(b, dec)
	case json.Delim('['):
		item, ok := items[name]
		if !ok {
			return fmt.Errorf("no name for what %s lists", name)
		}
		for dec.More() {
			b.WriteString("<" + item + ">")
			if err := value(b, dec, item); err != nil {
				return err
			}
			b.WriteString("</" + item + ">")
		}
		_, err := dec.Token() // its end
		return err
	case nil:
		return nil
	}
	b.WriteString(Escape(fmt.Sprint(t)))
	return nil
}

// ids is the namespace of the messageIds that a system mints.
var ids = uuid.MustParse("3f2c1c39-4b1f-5f0c-8a0e-73686570696e")

// MintID returns the messageId of the system's nth message about something; the
// same for the same seed.
func (g *Gateway) MintID(about string, n int) string {
	return uuid.NewSHA1(ids, fmt.Appendf(nil, "%s/%d/%s/%d", g.cfg.System, g.cfg.Env.Seed, about, n)).String()
}

// File serves POST /_file: the body, an application as JSON, is filed at the
// system, and sent to the hub through the sync or the async channel, as the
// seed says. The answer, 202, names the messageId and does not wait for the
// hub. The ledger shows "file".
func (g *Gateway) File(service string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "the form cannot be read", http.StatusBadRequest)
			return
		}
		var head struct {
			ApplicationID string `json:"application_id"`
		}
		if err := json.Unmarshal(form, &head); err != nil || head.ApplicationID == "" {
			http.Error(w, "a JSON form with application_id is expected", http.StatusBadRequest)
			return
		}
		data, err := XML("application", "urn:kandashub:application:v1", form)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		id := g.MintID(head.ApplicationID, g.filed(head.ApplicationID))
		chance := fnv.New32a()
		fmt.Fprintf(chance, "%d/%s", g.cfg.Env.Seed, head.ApplicationID)
		sync := chance.Sum32()&1 == 0
		channel := "async channel"
		if sync {
			channel = "sync channel"
		}
		e := mocks.Effect{System: g.cfg.System, Operation: "file", Application: head.ApplicationID, ID: id, Detail: channel}
		if err := g.cfg.Ledger.Record(e); err != nil {
			http.Error(w, "the ledger cannot be written", http.StatusInternalServerError)
			return
		}
		g.Send(Outgoing{
			Application:   head.ApplicationID,
			MessageID:     id,
			CorrelationID: strconv.Itoa(1_000_000 + int(chance.Sum32()%9_000_000)), // the portal's chain id
			ServiceID:     service,
			MessageType:   "REQUEST",
			Sync:          sync,
			Data:          data,
		})
		mocks.WriteJSON(w, http.StatusAccepted, map[string]string{"message_id": id})
	})
}

// filed counts the applications filed under one id, and returns how many there
// were before.
func (g *Gateway) filed(application string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.files[application]
	g.files[application]++
	return n
}
