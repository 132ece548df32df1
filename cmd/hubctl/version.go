package main

import (
	_ "embed"
	"fmt"
	"io"

	"kandashub/observability"
)

type versionCmd struct{ outputFlag }

// A version names a build.
type version struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Go       string `json:"go"`
}

// Run prints what the build says of itself.
func (c *versionCmd) Run(stdout io.Writer) error {
	v := version(observability.ThisBuild())
	return c.print(stdout, v, func(t io.Writer) { tellVersion(t, v) })
}

func tellVersion(t io.Writer, v version) {
	fmt.Fprintf(t, "hubctl %s (revision %s, %s)\n", v.Version, v.Revision, v.Go)
}

// shapes describes what the commands print with -o json.
//
//go:embed shapes.json
var shapes []byte

type shapesCmd struct{}

// Run prints shapes.json as it is written.
func (c *shapesCmd) Run(stdout io.Writer) error {
	_, err := stdout.Write(shapes)
	return err
}
