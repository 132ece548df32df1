package observability

import "runtime/debug"

// A Build is which version of a program runs.
type Build struct {
	Version  string // of the module
	Revision string // the commit
	Go       string // version of Go
}

// ThisBuild is what this program says of itself; what it does not know is "unknown".
func ThisBuild() Build {
	b := Build{Version: "unknown", Revision: "unknown", Go: "unknown"}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.Version, b.Go = info.Main.Version, info.GoVersion
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.Revision = s.Value
			}
		}
	}
	return b
}
