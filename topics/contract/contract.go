// Package contract is what the hub and its neighbours have agreed on:
// topics/asyncapi.yaml (topics, who writes, who reads, how long records are
// kept) and topics/schemas (the form of each event type), both embedded.
//
// Load reads them once. Check holds one message against them and is used at
// every border: by the intake before a message is written, by the hub after it
// was read. Create and Missing hold a Kafka cluster against them.
package contract

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"kandashub/topics"
	"kandashub/topics/schemas"

	"go.yaml.in/yaml/v3"
)

// A Topic is one channel of the contract.
type Topic struct {
	Name string

	// Types are the event types that may stand on the topic. The hub's own
	// records (parked, dead, control, audit) are no events: no types.
	Types []string

	// Sources are the allowed values of ce_source.
	Sources []string

	// Writer is the one principal that may write to the topic.
	Writer string

	// Readers are routes, or systems outside that read the topic themselves.
	Readers []string

	// Partitions is the number the topic must have; 0 means HUB_PARTITIONS.
	Partitions int

	// Config is the topic's configuration in Kafka's own words.
	Config map[string]string

	// MaxBytes is the largest record batch: max.message.bytes.
	MaxBytes int
}

// PartitionsOr returns the number of partitions the topic must have where
// HUB_PARTITIONS is n.
func (t Topic) PartitionsOr(n int) int {
	if t.Partitions > 0 {
		return t.Partitions
	}
	return n
}

// A Contract is the loaded contract. It does not change, and may be used by
// many goroutines at once.
type Contract struct {
	topics  []Topic // in the order of the file
	byName  map[string]Topic
	names   map[string]bool            // types and sources of all topics
	schemas map[string]*schemas.Schema // by ce_type

	documents sync.Pool // of *schemas.Document
}

// Load reads the embedded contract and compiles its schemas. An error means
// that the two do not fit: no deployment can cause one.
func Load() (*Contract, error) {
	compiled, err := schemas.Compile()
	if err != nil {
		return nil, err
	}
	c := &Contract{byName: make(map[string]Topic), names: make(map[string]bool), schemas: compiled, documents: sync.Pool{New: func() any { return new(schemas.Document) }}}
	if c.topics, err = parse(topics.AsyncAPI()); err != nil {
		return nil, fmt.Errorf("asyncapi.yaml: %w", err)
	}
	for _, t := range c.topics {
		c.byName[t.Name] = t
		for _, source := range t.Sources {
			c.names[source] = true
		}
		for _, ceType := range t.Types {
			c.names[ceType] = true
			if compiled[ceType] == nil {
				return nil, fmt.Errorf("asyncapi.yaml: %s on %s has no schema", ceType, t.Name)
			}
		}
	}
	return c, nil
}

// Topics returns all topics in the order of asyncapi.yaml.
func (c *Contract) Topics() []Topic { return slices.Clone(c.topics) }

// Topic returns one topic; false if the contract does not name it.
func (c *Contract) Topic(name string) (Topic, bool) {
	t, ok := c.byName[name]
	return t, ok
}

// Knows says whether a name is a type or a source of any topic.
func (c *Contract) Knows(name string) bool { return c.names[name] }

// Schema returns the JSON Schema of an event type as it is written; false if
// there is none.
func (c *Contract) Schema(ceType string) ([]byte, bool) { return schemas.Source(ceType) }

// The part of AsyncAPI 3.0 that we use.
type document struct {
	Channels   yaml.Node `yaml:"channels"` // a node, for the order of its keys
	Components struct {
		Messages map[string]struct {
			Name    string `yaml:"name"`
			Payload struct {
				Schema ref `yaml:"schema"`
			} `yaml:"payload"`
		} `yaml:"messages"`
		ChannelBindings map[string]struct {
			Kafka binding `yaml:"kafka"`
		} `yaml:"channelBindings"`
	} `yaml:"components"`
}

type ref struct {
	Ref string `yaml:"$ref"`
}

// to returns what is behind prefix in the reference, or an error.
func (r ref) to(prefix string) (string, error) {
	name, ok := strings.CutPrefix(r.Ref, prefix)
	if !ok {
		return "", fmt.Errorf("%q does not begin with %q", r.Ref, prefix)
	}
	return name, nil
}

type binding struct {
	Partitions int            `yaml:"partitions"`
	Config     map[string]any `yaml:"topicConfiguration"`
}

type channel struct {
	Address  string         `yaml:"address"`
	Messages map[string]ref `yaml:"messages"`
	Bindings ref            `yaml:"bindings"`
	Sources  []string       `yaml:"x-kandashub-sources"`
	Writer   string         `yaml:"x-kandashub-writer"`
	Readers  []string       `yaml:"x-kandashub-readers"`
}

func parse(b []byte) ([]Topic, error) {
	var doc document
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	var all []Topic
	for i := 1; i < len(doc.Channels.Content); i += 2 {
		var ch channel
		if err := doc.Channels.Content[i].Decode(&ch); err != nil {
			return nil, err
		}
		t, err := doc.topic(ch)
		if err != nil {
			return nil, fmt.Errorf("channel %s: %w", ch.Address, err)
		}
		all = append(all, t)
	}
	if len(all) == 0 {
		return nil, errors.New("no channels")
	}
	return all, nil
}

func (d *document) topic(ch channel) (Topic, error) {
	t := Topic{Name: ch.Address, Sources: ch.Sources, Writer: ch.Writer, Readers: ch.Readers}
	for _, key := range slices.Sorted(maps.Keys(ch.Messages)) {
		name, err := ch.Messages[key].to("#/components/messages/")
		if err != nil {
			return Topic{}, err
		}
		m, ok := d.Components.Messages[name]
		if !ok || m.Name != name || name != key {
			return Topic{}, fmt.Errorf("message %s is not defined under that name", key)
		}
		if m.Payload.Schema.Ref == "" {
			continue // the hub's own record, no event
		}
		if m.Payload.Schema.Ref != "./schemas/"+name+".json" {
			return Topic{}, fmt.Errorf("message %s has another type's schema", name)
		}
		t.Types = append(t.Types, name)
	}
	name, err := ch.Bindings.to("#/components/channelBindings/")
	if err != nil {
		return Topic{}, err
	}
	b, ok := d.Components.ChannelBindings[name]
	if !ok {
		return Topic{}, fmt.Errorf("binding %s is not defined", name)
	}
	t.Partitions, t.Config = b.Kafka.Partitions, configuration(b.Kafka.Config)
	if t.MaxBytes, err = strconv.Atoi(t.Config["max.message.bytes"]); err != nil {
		return Topic{}, errors.New("max.message.bytes is not a number")
	}
	return t, nil
}

// configuration turns AsyncAPI's values into Kafka's: a list is joined by
// commas.
func configuration(from map[string]any) map[string]string {
	to := make(map[string]string, len(from))
	for k, v := range from {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		texts := make([]string, len(list))
		for i, e := range list {
			texts[i] = fmt.Sprint(e)
		}
		to[k] = strings.Join(texts, ",")
	}
	return to
}
