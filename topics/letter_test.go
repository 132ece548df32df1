package topics_test

import (
	"testing"

	"kandashub/topics"
)

// Ids of letters are known by their form; what a person may have typed instead has
// another one.
func TestIsLetterID(t *testing.T) {
	b := newBench(t, topics.C1)
	b.failing(refuse("app", 0))
	b.start()
	b.send("app", 0)
	if err := b.produce.Publish(t.Context(), b.route.Sources[0], topics.Message{Type: "test", Subject: "other"}); err != nil {
		t.Fatal(err)
	}
	for _, l := range b.letters(2) {
		if !topics.IsLetterID(l.ID) {
			t.Errorf("%s is none", l.ID)
		}
	}
	for _, s := range []string{"", "Secretova", "990101200017", "rejected.http_422.Secretova", "Secretova.http_422.0f0e0d0c-0b0a-4f0e-8d0c-123456789012",
		"0f0e0d0c-0b0a-4f0e-8d0c-123456789012.Secretova", "rejected.a.b.0f0e0d0c-0b0a-4f0e-8d0c-123456789012"} {
		if topics.IsLetterID(s) {
			t.Errorf("%q is one", s)
		}
	}
}
