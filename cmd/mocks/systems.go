package main

import (
	"kandashub/mocks"
	"kandashub/mocks/egov"
	"kandashub/mocks/gbdfl"
	"kandashub/mocks/kandas"
	"kandashub/mocks/migpolice"
	"kandashub/mocks/statecorp"
)

// systems is the table of all mock systems: to add one, add a row.
var systems = []struct {
	name string
	New  func(mocks.Env) (*mocks.System, error)
}{
	{"kandas", kandas.New},
	{"egov", egov.New},
	{"gbdfl", gbdfl.New},
	{"migpolice", migpolice.New},
	{"statecorp", statecorp.New},
}
