package check

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
)

// claimStates returns the state letter of each claim by the digest in its key
// (topics/claims: key.go and scripts.go). Other keys are none of ours.
func claimStates(redis map[string]string) map[string]string {
	states := make(map[string]string, len(redis))
	for key, value := range redis {
		_, digest, ok := strings.Cut(key, "}:c:")
		if state, _, packed := strings.Cut(value, "|"); ok && packed {
			states[digest] = state
		}
	}
	return states
}

// openClaim says whether a route's claim on a message was left without an end.
func (r *run) openClaim(route string, id identity) bool {
	switch r.claims[claimDigest(route, id)] {
	case "c", "s", "a":
		return true
	}
	return false
}

// claimDigest is how the key of a claim names a message.
func claimDigest(route string, id identity) string {
	var b []byte
	for _, p := range [...]string{route, id.source, id.id} {
		b = strconv.AppendInt(b, int64(len(p)), 10)
		b = append(b, ':')
		b = append(b, p...)
	}
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
