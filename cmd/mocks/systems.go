package main

import (
	"kandashub/mocks"
	"kandashub/mocks/eds"
	"kandashub/mocks/egov"
	"kandashub/mocks/gbdfl"
	"kandashub/mocks/kandas"
	"kandashub/mocks/migpolice"
	"kandashub/mocks/migration"
	"kandashub/mocks/statecorp"
)

// systems is the table of all mock systems: to add one, add a row.
var systems = []struct {
	name string
	New  func(mocks.Env) (*mocks.System, error)
}{
	{"migration", migration.New},
	{"kandas", kandas.New},
	{"egov", egov.New},
	{"gbdfl", gbdfl.New},
	{"migpolice", migpolice.New},
	{"statecorp", statecorp.New},
	{"eds", eds.New},
}
