package claims

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strconv"

	"github.com/segmentio/kafka-go"
)

// hashTags is how many hash tags a route's claims are spread over, so that a
// Redis Cluster shares the load and a loss of data in one of its nodes is seen.
const hashTags = 64

// tagOf returns the number of an application's hash tag: murmur2 as Java and
// Kafka's partitioner compute it, modulo 64.
func tagOf(application string) int {
	var tags [hashTags]int
	for i := range tags {
		tags[i] = i
	}
	return kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: []byte(application)}, tags[:]...)
}

func counterKey(route string, tag int) string {
	return "{" + route + ":" + strconv.Itoa(tag) + "}:n"
}

// claimKey is the key of an identity's record. 128 bits of the hash keep two
// identities apart even where a sender chooses its ids with ill will.
func claimKey(r *Request, tag int) string {
	return "{" + r.Route + ":" + strconv.Itoa(tag) + "}:c:" + digest(16, r.Route, r.Source, r.ID)
}

func markerKeys(markers []string) []string {
	keys := make([]string, len(markers))
	for i, m := range markers {
		keys[i] = "{person}:m:" + m
	}
	return keys
}

// tokenBytes is the size of owner tokens and of the kept hash of a fingerprint:
// 96 bits. With them a done marker fits the allocation class of 48 bytes.
const tokenBytes = 12

// digest returns the first n bytes of the SHA-256 of parts, as base64. The
// parts are length-prefixed: no two lists of parts share a digest by how they
// are joined.
func digest(n int, parts ...string) string {
	var buf [256]byte
	b := buf[:0]
	for _, p := range parts {
		b = strconv.AppendInt(b, int64(len(p)), 10)
		b = append(b, ':')
		b = append(b, p...)
	}
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:n])
}

func newToken() string {
	var b [tokenBytes]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the process instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}
