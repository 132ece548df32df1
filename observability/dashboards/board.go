package dashboards

// A Board answers one question of a person on duty.
type Board struct {
	UID         string // in addresses, and the name of its file
	Title       string
	Description string
	Rows        []Row
}

// A Row is a titled part of a board.
type Row struct {
	Title  string
	Panels []Panel
}

// A Panel is one picture on a board.
type Panel struct {
	Title       string
	Description string // what it shows, and what to do
	Kind        Kind
	Unit        string // Grafana's id, as in its package units
	Width       uint32 // of the 24 columns
	Queries     []Query
	Levels      []Level // in which colour values are shown, upwards
	States      []State // what numbers mean, where they stand for states
	Drill       string  // UID of the board that tells more
	Exemplars   bool    // shows traces of single messages as dots
}

// A Kind is how a panel shows its data.
type Kind string

// The kinds of panels.
const (
	Lines    Kind = "lines"    // over time
	Stacked  Kind = "stacked"  // over time, parts of a whole
	Bars     Kind = "bars"     // events over time
	Heat     Kind = "heat"     // a histogram over time
	Timeline Kind = "timeline" // states over time
	Number   Kind = "number"   // as of now
	Dial     Kind = "dial"     // as of now, between 0 and 1
	Meters   Kind = "meters"   // as of now, a bar for each
	Table    Kind = "table"    // as of now, a row for each, a column for each query
)

// height is how high panels of this kind are, in the grid's units.
func (k Kind) height() uint32 {
	switch k {
	case Number, Dial:
		return 5
	}
	return 8
}

// now reports whether panels of this kind show the present alone.
func (k Kind) now() bool { return k == Number || k == Dial || k == Meters || k == Table }

// A Query is one question to Prometheus, in PromQL with the board's variables.
type Query struct {
	Expr   string
	Legend string // names the series, with {{label}}; the column of a table
	Unit   string // of the column, where it is not the panel's
	States []State
	// Empty says why the query has no data in a world that is well, and is shown
	// where it has none; "": it must have some.
	Empty string
}

// A Level is a colour from a value on; below the first one values are green, unless
// one begins at minus infinity.
type Level struct {
	From  float64
	Color string
}

// A State is what a number stands for.
type State struct {
	Value       int
	Text, Color string
}
