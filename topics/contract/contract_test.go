package contract_test

import (
	"slices"
	"strings"
	"testing"

	"kandashub/topics"
	"kandashub/topics/schemas"

	"github.com/google/go-cmp/cmp"
)

// Every schema belongs to a topic, and every type of a topic has a schema.
func TestTypesAndTopics(t *testing.T) {
	c := load(t)
	var onTopics []string
	for _, topic := range c.Topics() {
		onTopics = append(onTopics, topic.Types...)
	}
	slices.Sort(onTopics)
	if diff := cmp.Diff(schemas.Types(), slices.Compact(onTopics)); diff != "" {
		t.Errorf("schemas (-) and asyncapi.yaml (+) differ: %s", diff)
	}
	for _, ceType := range schemas.Types() {
		if b, ok := c.Schema(ceType); !ok || len(b) == 0 {
			t.Errorf("no schema of %s", ceType)
		}
	}
	for _, none := range []string{"", "definitions", "../schemas/definitions", "kz.hub.notification.v2"} {
		if _, ok := c.Schema(none); ok {
			t.Errorf("Schema(%q) found something", none)
		}
	}
}

// What the contract names is known, and nothing else: of a message that breaks it,
// other types and sources may be anything.
func TestKnows(t *testing.T) {
	c := load(t)
	for _, topic := range c.Topics() {
		for _, name := range append(slices.Clone(topic.Types), topic.Sources...) {
			if !c.Knows(name) {
				t.Errorf("%s of %s is not known", name, topic.Name)
			}
		}
	}
	for _, name := range []string{"", "Ivanov", "kz.egov.application.submitted.v2", "KANDAS"} {
		if c.Knows(name) {
			t.Errorf("%q is known", name)
		}
	}
}

// routes returns the routes of the contract with the topics they read.
func routes(t *testing.T) map[string][]string {
	c := load(t)
	sources := make(map[string][]string)
	for _, topic := range c.Topics() {
		for _, r := range topic.Readers {
			if _, ok := c.Topic(r + ".dead"); ok && !beside(topic.Name) {
				sources[r] = append(sources[r], topic.Name)
			}
		}
	}
	return sources
}

func beside(topic string) bool {
	return strings.HasSuffix(topic, ".parked") || strings.HasSuffix(topic, ".dead")
}

// The routes and what they read, as design and documentation have it.
func TestRoutes(t *testing.T) {
	want := map[string][]string{
		"register":         {"migration.applications", "egov.applications", "statecorp.applications"},
		"iin-lookup":       {"kandas.iin-requests", "gbdfl.lookups"},
		"iin-generate":     {"migpolice.generations"},
		"iin-record":       {"iin.results"},
		"verify":           {"kandas.events"},
		"notify-migration": {"migration.notifications"},
		"notify-egov":      {"egov.notifications"},
		"notify-statecorp": {"statecorp.notifications"},
		"delivered":        {"migration.accepted", "egov.accepted", "statecorp.accepted", "migration.receipts", "egov.receipts", "statecorp.receipts"},
		"reissue":          {"statecorp.certificate-requests"},
	}
	if diff := cmp.Diff(want, routes(t)); diff != "" {
		t.Errorf("routes differ (-want +got): %s", diff)
	}
}

// Parked and dead topics never expire, have as many partitions as their
// sources, and take the largest source message with 64 KiB of headers.
func TestBesideEachRoute(t *testing.T) {
	const headers = 64 << 10
	c := load(t)
	for name, sources := range routes(t) {
		r := topics.Route{Name: name}
		for _, own := range []string{r.ParkedTopic(), r.DeadTopic()} {
			topic, ok := c.Topic(own)
			if !ok {
				t.Errorf("no topic %s", own)
				continue
			}
			if topic.Config["retention.ms"] != "-1" || topic.Config["cleanup.policy"] != "delete" {
				t.Errorf("%s loses records: %v", own, topic.Config)
			}
			if topic.Writer != "hub" || !slices.Equal(topic.Readers, []string{name}) {
				t.Errorf("%s is written by %s and read by %v", own, topic.Writer, topic.Readers)
			}
			for _, s := range sources {
				source, _ := c.Topic(s)
				if topic.MaxBytes < source.MaxBytes+headers {
					t.Errorf("%s takes %d bytes, too few for %s with %d", own, topic.MaxBytes, s, source.MaxBytes)
				}
				if topic.Partitions != source.Partitions {
					t.Errorf("%s and %s differ in partitions", own, s)
				}
			}
		}
	}
}

// What every topic must have.
func TestTopics(t *testing.T) {
	c := load(t)
	read := make(map[string]bool)
	for _, sources := range routes(t) {
		for _, s := range sources {
			read[s] = true
		}
	}
	seen := make(map[string]bool)
	for _, topic := range c.Topics() {
		if seen[topic.Name] {
			t.Errorf("%s is there twice", topic.Name)
		}
		seen[topic.Name] = true
		if topic.Writer == "" || len(topic.Sources) == 0 {
			t.Errorf("%s has no writer or no source", topic.Name)
		}
		if topic.Writer != "hub" && !slices.Equal(topic.Sources, []string{topic.Writer}) {
			t.Errorf("%s is written by %s, but takes %v", topic.Name, topic.Writer, topic.Sources)
		}
		if len(topic.Types) > 0 && !read[topic.Name] && topic.Config["retention.ms"] != "-1" {
			t.Errorf("no route reads %s, and it expires", topic.Name)
		}
	}
	control, _ := c.Topic("hub.control")
	if control.Partitions != 1 || control.PartitionsOr(8) != 1 || control.Config["cleanup.policy"] != "compact" {
		t.Errorf("hub.control: %+v", control)
	}
	events, _ := c.Topic("kandas.events")
	if events.PartitionsOr(8) != 8 {
		t.Errorf("kandas.events: %+v", events)
	}
}
