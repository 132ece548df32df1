package main

import (
	"kandashub/mocks"
)

// systems is the table of all mock systems: to add one, add a row.
var systems = []struct {
	name string
	New  func(mocks.Env) (*mocks.System, error)
}{}
