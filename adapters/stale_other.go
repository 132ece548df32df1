//go:build !unix

package adapters

// stale cannot look at a connection here: what the system has closed is found
// out by the request.
func (g *guarded) stale() bool { return false }
