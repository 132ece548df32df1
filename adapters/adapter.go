// Package adapters is the contract that every adapter keeps, and the tools to
// keep it: the HTTP client that sorts failures, and the breaker.
//
// An adapter speaks to one external system. It translates and classifies, and
// does nothing else: it does not retry, deduplicate, break, or log. Each
// operation is a method with a request id, the system's own request and its
// answer. A refusal by the system ("no such person") is an answer. Every error
// is a *topics.Failure, and holds no personal data and no secret.
//
// The tools: Client calls once and sorts every outcome by the table of
// design.md 4.6 (classify.go), and its connections send nothing once a call's
// lease is over (lease.go). Breaker stops an operation whose system does not
// answer. adaptertest plays a system in all its failures, and every operation
// of every adapter is held against it.
//
// One folder per system; no adapter imports another one. What is shared by the
// systems behind the state gateway is in adapters/shep.
package adapters
