package main

import (
	"context"
	"slices"

	"kandashub/cmd/verify/load"
)

// scenarios is the table of all scenarios. The faults are those of a list that
// is older than they are (F1 to F30): hubs, Kafka, Redis, systems and people.
func scenarios() []scenario {
	return slices.Concat([]scenario{calm()}, hubScenarios(), kafkaScenarios(), redisScenarios(), systemScenarios(), peopleScenarios())
}

// calm is what everybody else is to be compared with.
func calm() scenario {
	return scenario{
		name: "calm", about: "nothing goes wrong", rate: 400,
		load: func(p *load.Plan) { p.Repeats, p.Conflicts, p.Poison = 0.1, 0.01, 0.02 },
		act:  func(context.Context, *run) error { return nil }, counted: true,
	}
}
