package topics

import "encoding/json"

// Fingerprint lets tests make claims by hand.
func (m Message) Fingerprint() string { return m.fingerprint() }

// KeptReply is a reply as a claim keeps it.
func KeptReply(topic string, m Message) []byte {
	kept, _ := json.Marshal([]reply{{topic, m}})
	return kept
}
