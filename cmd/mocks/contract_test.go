package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"kandashub/mocks/samples"
	"kandashub/topics"
	"kandashub/topics/contract"
	"kandashub/topics/payload"
)

// The samples are made without knowing our types: here they are held against
// the contract of the topics that they are filed on.
func TestSamplesKeepTheContract(t *testing.T) {
	c, err := contract.Load()
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{
		"migration": payload.TypeMigrationSubmitted, "egov": payload.TypeEgovSubmitted, "statecorp": payload.TypeStatecorpSubmitted,
	}
	for _, f := range samples.Flows("mabcdef01", 1) {
		for _, a := range f.Applications {
			data, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			d := json.NewDecoder(bytes.NewReader(data))
			d.DisallowUnknownFields()
			var ours payload.Application
			if err := d.Decode(&ours); err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
			channel, _, _ := strings.Cut(a.ApplicationID, "-")
			if err := c.Check(channel+".applications", topics.Message{
				ID: "1", Type: types[channel], Source: channel, Subject: a.ApplicationID, Time: time.Now(), Data: data,
			}); err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
		}
	}
}

// Every system and every recipient that a flow names is in the table.
func TestFlowsNameKnownSystems(t *testing.T) {
	known := map[string]bool{samples.Hub: true}
	for _, s := range systems {
		known[s.name] = true
	}
	for _, f := range samples.Flows("mabcdef01", 1) {
		for _, s := range f.Steps {
			if !known[s.System] {
				t.Errorf("%s: a step at %s, which is no mock system", f.Name, s.System)
			}
		}
		for _, x := range f.Expected {
			if !known[x.System] {
				t.Errorf("%s: expects something of %s, which is no mock system", f.Name, x.System)
			}
		}
	}
}
