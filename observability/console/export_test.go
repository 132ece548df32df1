package console

// Endpoints returns what can be asked for, with the least role that may.
func Endpoints() map[string]Role {
	out := map[string]Role{}
	for _, e := range endpoints() {
		out[e.pattern] = e.role
	}
	return out
}

// Texts returns the table of a language.
func Texts(lang string) (map[string]string, error) { return loadTexts(lang) }

// Languages returns the languages of the pages.
func Languages() []string { return languages() }

// Subject is what a type of message is about.
func Subject(ceType string) string { return subject(ceType) }

// Writes returns the endpoints that may change anything.
func Writes() (patterns []string) {
	for _, e := range endpoints() {
		if e.writes() {
			patterns = append(patterns, e.pattern)
		}
	}
	return patterns
}

// Policy is the content security policy of every answer.
const Policy = policy

// PageSize is how many letters are on a page.
const PageSize = pageSize

// MaxAudit is how many records of the audit are shown.
const MaxAudit = maxAudit

// KeptResults counts the results that are held for the runs, one for each letter.
func (c *Console) KeptResults() (n int) {
	for _, r := range c.runs.all() {
		n += len(r.Progress.Results)
	}
	return n
}
