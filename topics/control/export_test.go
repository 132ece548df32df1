package control

// On lets a test keep to topics of its own on a shared Kafka.
func (s *Store) On(topic string) *Store {
	s.journal.topic = topic
	return s
}

// Encode returns the value as it is written.
func Encode(key string, value any) ([]byte, error) { return encode(key, value) }
