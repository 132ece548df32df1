// Package shep is the gateway's side of SHEP for the mock systems behind it,
// written from the gateway's description alone: it shares no code with the hub.
//
// Read checks what comes in against the schemas to the letter (kz.md 1.1, 1.3):
// the qualified wrapper, unqualified children, their order and number, an empty
// SOAPAction, times with +05:00, no sessionId. Whatever deviates is answered by
// a Client fault and has no effect, so that a message which had one was valid.
//
// A Gateway is the async channel of one system. It keeps a state for each
// messageId and is not idempotent: the same messageId sent twice is delivered
// twice, and the ledger shows both. It tells the hub what became of a message by
// changeMassageStatusNotification, and sends messages of its system to the hub,
// in order per application, each with the same id until the hub accepts it.
package shep
