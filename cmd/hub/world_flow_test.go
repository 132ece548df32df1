package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"kandashub/mocks"
	"kandashub/mocks/samples"
	"kandashub/topics"
	"kandashub/topics/servertest"
)

// flow returns one of the sample stories, with application ids and people of
// this world alone.
func (w *world) flow(name string) samples.Flow {
	w.t.Helper()
	for _, f := range samples.Flows(w.run, 1) {
		if f.Name == name {
			return f
		}
	}
	w.t.Fatalf("there is no flow %s", name)
	return samples.Flow{}
}

// play does what people do in a flow.
func (w *world) play(f samples.Flow) {
	w.t.Helper()
	w.register.Add(f.Persons...)
	for _, s := range f.Steps {
		if s.After != nil {
			w.awaitEffects(*s.After)
		}
		w.drive(s.System, s.Method, s.Path, s.Body)
	}
}

// drive calls a driver endpoint of a mock system.
func (w *world) drive(system, method, path string, body any) {
	w.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.urls[system]+path, bytes.NewReader(b))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		w.t.Fatalf("%s %s at %s: %s", method, path, system, resp.Status)
	}
}

// effects returns what a system did for an application, in order; repeats that
// it recognised are left out.
func (w *world) effects(system, operation, application string) (found []mocks.Effect) {
	for _, e := range w.systems[system].Ledger.Effects() {
		if e.Operation == operation && e.Application == application && !e.Repeat {
			found = append(found, e)
		}
	}
	return found
}

func (w *world) count(x samples.Expected) (n int) {
	for _, application := range x.Applications {
		for _, e := range w.effects(x.System, x.Operation, application) {
			if strings.Contains(e.Detail, x.Detail) {
				n++
			}
		}
	}
	return n
}

// awaitEffects waits until effects have been seen.
func (w *world) awaitEffects(all ...samples.Expected) {
	w.t.Helper()
	for _, x := range all {
		servertest.Eventually(w.t, fmt.Sprintf("%d × %s %s %s of %v", x.Count, x.System, x.Operation, x.Detail, x.Applications),
			func() bool { return w.count(x) >= x.Count })
	}
}

// awaitEffect waits until a system has done something once for an application.
func (w *world) awaitEffect(system, operation, application string) {
	w.t.Helper()
	w.awaitEffects(samples.Expected{System: system, Operation: operation, Applications: []string{application}, Count: 1})
}

// finish waits until flows are through and everything read is committed, and
// holds every effect against what was expected.
func (w *world) finish(flows ...samples.Flow) {
	w.t.Helper()
	for _, f := range flows {
		for _, x := range f.Expected {
			if x.System != samples.Hub {
				w.awaitEffects(x)
			}
		}
	}
	w.awaitCommitted()
	for _, f := range flows {
		for _, x := range f.Expected {
			if x.System == samples.Hub {
				continue
			}
			if n := w.count(x); n != x.Count {
				w.t.Errorf("%s: %s %s %s was seen %d times, want %d", f.Name, x.System, x.Operation, x.Detail, n, x.Count)
			}
		}
	}
	for _, e := range w.systems["kandas"].Ledger.Effects() {
		if e.Operation == "violation" {
			w.t.Errorf("kandas: %s: %s", e.Application, e.Detail)
		}
	}
	if n := w.register.SecondIINs(); n > 0 {
		w.t.Errorf("%d persons got a second IIN", n)
	}
}

// heard notes what the intake or a SHEP endpoint answered.
func (w *world) heard(answer string) {
	w.hearing.Lock()
	defer w.hearing.Unlock()
	w.answers = append(w.answers, answer)
}

// application returns a complete form filed at a channel, of people whom the
// register knows, under an id of its own.
func (w *world) application(channel string) *samples.Application {
	w.t.Helper()
	f := w.flow("filed-" + channel)
	a := *f.Applications[0]
	a.ApplicationID = servertest.Unique(channel + "-")
	return &a
}

// inPartition returns an application whose id falls into a partition.
func (w *world) inPartition(channel string, partition int) *samples.Application {
	w.t.Helper()
	for {
		a := w.application(channel)
		if topics.PartitionOf([]byte(a.ApplicationID), w.partitions) == partition {
			return a
		}
	}
}

// filed is the event by which an application is submitted.
func (w *world) filed(a *samples.Application) topics.Message {
	w.t.Helper()
	channel, _, _ := strings.Cut(a.ApplicationID, "-")
	return w.event(channel, "kz."+channel+".application.submitted.v1", a.ApplicationID, a)
}

func (w *world) event(source, ceType, application string, data any) topics.Message {
	w.t.Helper()
	b, err := json.Marshal(data)
	if err != nil {
		w.t.Fatal(err)
	}
	return topics.Message{ID: servertest.Unique("id-"), Type: ceType, Source: source, Subject: application, Time: time.Now(), Data: b}
}

// quietly keeps kandas from going on with an application once it is registered,
// so that a test has it for itself.
func (w *world) quietly(a *samples.Application) *samples.Application {
	w.t.Helper()
	w.drive("kandas", http.MethodPut, "/_scripts/"+a.ApplicationID, samples.Script{Officer: "wait", Withdraw: "withdrawn"})
	return a
}
