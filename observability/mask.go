package observability

// Kinds of what the log filter takes out.
const (
	kindIIN   = "iin"
	kindPhone = "phone"
	kindEmail = "email"
	kindField = "field"
)
