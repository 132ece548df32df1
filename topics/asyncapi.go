package topics

import _ "embed"

//go:embed asyncapi.yaml
var asyncAPI []byte

// AsyncAPI returns the contract of the topics as it is written in
// asyncapi.yaml. Package contract reads it; nothing may change it.
func AsyncAPI() []byte { return asyncAPI }
