package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"kandashub/cmd/bench/load"
)

// A cell says what is measured, apart from whose it is.
type cell struct {
	System       string        `json:"system"` // migration: JSON; egov: SOAP
	Latency      time.Duration `json:"latency_ns"`
	Body         int           `json:"body_bytes"`
	Replicas     int           `json:"replicas"`
	Kafka        string        `json:"kafka"`
	Messages     int           `json:"messages"` // that are measured, duplicates among them
	Backlog      int           `json:"backlog"`  // that lie there in all; 0: those that are measured
	PerSecond    int           `json:"per_second"`
	Partitions   int           `json:"partitions"`
	Applications int           `json:"applications"`
	Duplicates   float64       `json:"duplicates"`
}

// standard is the cell from which all others differ in one thing or two.
func standard() cell {
	return cell{
		System: "migration", Body: 1 << 10, Replicas: 1, Kafka: kafkaStandIn, Messages: 20_000, Partitions: 8, Applications: 2_000, Duplicates: 0.1,
	}
}

// plan of the messages of a cell, under ids that no run before has had.
func (c cell) plan() load.Plan {
	return load.Plan{
		Run: rand.Uint32(), System: c.System, Records: max(c.Messages, c.Backlog), Duplicates: c.Duplicates, Applications: c.Applications, Body: c.Body,
	}
}

// live says whether the subject is at work before the messages come. One process
// finds them there; several would share them out anew while they come up one
// after the other.
func (c cell) live() bool { return c.Replicas > 1 || c.PerSecond > 0 }

// What a grid does not say, for how long: long enough to count, short enough to
// run all of it.
const (
	atMostMessages = 20_000
	atMostBytes    = 256 << 20
	atMostTime     = 5 * time.Second // of what the target alone would take
)

// sized sets how many messages a cell of the grid is measured over.
func (c cell) sized(workers int) cell {
	c.Messages = min(atMostMessages, atMostBytes/max(c.Body, 1))
	if c.Latency > 0 {
		c.Messages = min(c.Messages, int(atMostTime.Seconds()*float64(workers*c.Replicas)/c.Latency.Seconds()))
	}
	return c
}

// systemOf is the system that is told in a format: json or soap.
func systemOf(adapter string) string {
	if adapter == "soap" {
		return "egov"
	}
	return "migration"
}

// adapter is the format of a cell.
func (c cell) adapter() string {
	if c.System == "egov" {
		return "SOAP"
	}
	return "JSON"
}

func (c cell) String() string {
	s := fmt.Sprintf("%s, %s, %s", c.adapter(), c.Latency, size(c.Body))
	if c.Replicas > 1 {
		s += fmt.Sprintf(", %d replicas", c.Replicas)
	}
	if c.Kafka == kafkaReal {
		s += ", Apache Kafka"
	}
	if c.PerSecond > 0 {
		s += fmt.Sprintf(", %d/s", c.PerSecond)
	}
	usual := standard()
	if c.Partitions == 1 {
		s += ", 1 partition"
	} else if c.Partitions != usual.Partitions {
		s += fmt.Sprintf(", %d partitions", c.Partitions)
	}
	if c.Applications != usual.Applications {
		s += fmt.Sprintf(", %d applications", c.Applications)
	}
	if c.Backlog > 0 {
		s += fmt.Sprintf(", backlog of %d", c.Backlog)
	}
	return s
}

// size is a number of bytes in words.
func size(n int) string {
	switch {
	case n >= 1<<33:
		return fmt.Sprintf("%.0f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.0f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

// A result is one run of one subject in one cell.
type result struct {
	Cell    cell   `json:"cell"`
	Subject string `json:"subject"`
	Error   string `json:"error,omitempty"`

	Rate      float64       `json:"messages_per_second"` // of what was sent, from the first call to the last
	Took      time.Duration `json:"took_ns"`
	PerSecond []int         `json:"effects_in_each_second"`
	Startup   time.Duration `json:"startup_ns"` // from the first process, or message, to the first call

	CPU      cpu       `json:"cpu_ms_per_1000_messages"`
	Resident int64     `json:"resident_bytes"` // at the end, of all replicas
	Peak     int64     `json:"peak_bytes"`
	Objects  float64   `json:"allocations_per_message"`
	Bytes    float64   `json:"allocated_bytes_per_message"`
	Wrong    wrongs    `json:"wrong"`
	ToSystem *quantile `json:"to_system,omitempty"` // from before the message was sent to the call
	Whole    *quantile `json:"whole,omitempty"`     // on to where the reply can be read, without the system's own time
}

// wrongs are what the hub promises never to do, as the target saw it.
type wrongs struct {
	Lost        int `json:"lost"`
	Doubled     int `json:"doubled"`
	OutOfOrder  int `json:"out_of_order"` // came after a later one of its application
	Overlapping int `json:"overlapping"`  // came before the last one of its application was answered
}

func (w wrongs) String() string {
	return fmt.Sprintf("%d/%d/%d/%d", w.Lost, w.Doubled, w.OutOfOrder, w.Overlapping)
}

func (w wrongs) plus(o wrongs) wrongs {
	return wrongs{w.Lost + o.Lost, w.Doubled + o.Doubled, w.OutOfOrder + o.OutOfOrder, w.Overlapping + o.Overlapping}
}

// cpu is processor time by who used it.
type cpu struct {
	Subject float64 `json:"subject"`
	Target  float64 `json:"target"`
	Kafka   float64 `json:"kafka"`
	Redis   float64 `json:"redis"`
}

func (c cpu) minus(o cpu) cpu {
	return cpu{c.Subject - o.Subject, c.Target - o.Target, c.Kafka - o.Kafka, c.Redis - o.Redis}
}

func (c cpu) per(n float64) cpu { return cpu{c.Subject / n, c.Target / n, c.Kafka / n, c.Redis / n} }
