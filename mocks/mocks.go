// Package mocks is what every mock system is made of: a ledger of effects and
// fault switches. A mock is a network fake written from its system's side: it
// has state, honours or ignores ids as its contract says, and records each
// effect, synced to disk, before it answers. One folder per system; mocks
// import nothing of the hub.
package mocks

import (
	"context"
	"net/http"
)

// Env is what the world gives to each mock when it is made.
type Env struct {
	// Dir is the folder of this mock's files, its ledger among them.
	Dir string
	// Seed makes everything random in the mock reproducible.
	Seed int64
	// HubURL is the base URL of the hub's intake and SHEP endpoints, for
	// systems that call the hub.
	HubURL string
	// HubToken is the mock system's credential at the hub: a bearer token, or
	// the password of its SHEP sender.
	HubToken string
	// Token is what the system's callers must show: a bearer token, or the
	// password of a SHEP sender. Empty: anybody may call.
	Token string
	// Kafka are the addresses of the brokers, for systems that write to topics.
	Kafka []string
	// Register is the register of persons, shared by gbdfl and migpolice.
	Register *Register
	// Logf prints a line for the developer; never personal data.
	Logf func(format string, args ...any)
}

// A System is a running mock.
type System struct {
	Name   string
	Ledger *Ledger
	Faults *Faults
	// Handler serves the system's own API under its real paths, and the
	// switches under /_faults, /_ledger and what else the mock documents.
	Handler http.Handler
	// CallsHub says that the system calls the hub, and so needs a credential
	// there.
	CallsHub bool
	// Run does what the system does of its own accord (callbacks, events)
	// until ctx ends. May be nil.
	Run func(ctx context.Context) error
}
