package control

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// masked returns the form of a payload: its field names and the types of their
// values. The schemas of all messages are closed, so a field's name is no personal
// data. Of text that is XML the elements are shown, see maskedXML; of what is no
// JSON, only the size is told.
func masked(payload []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	var value any
	if d.Decode(&value) != nil || d.More() {
		out, _ := json.Marshal(fmt.Sprintf("%d bytes that are no JSON", len(payload))) // a string always can be
		return out
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)    // XML is to be read
	_ = e.Encode(form(value)) // what came from JSON always can be
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func form(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, field := range v {
			if !plainName(name) {
				name = "[name]"
			}
			out[name] = form(field)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = form(element)
		}
		return out
	case string:
		if form, ok := maskedXML(v); ok {
			return form
		}
		return "string"
	case json.Number:
		return "number"
	case bool:
		return "boolean"
	}
	return nil
}

// plainName says whether a field's name has the form that our schemas use. What
// has not may be anything that a sender put there.
func plainName(name string) bool {
	for _, c := range name {
		if (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return len(name) > 0 && len(name) <= 40
}
