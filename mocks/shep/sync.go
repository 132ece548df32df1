package shep

import (
	"fmt"
	"io"
	"net/http"
)

// ServeSync serves one service of the sync channel to whoever shows the
// password; an empty one lets anybody in. answer is given requests that keep the
// schema and name the service. It writes what is answered, or returns what
// deviates from the service's own contract, which goes back as a Client fault.
func ServeSync(service, password string, answer func(w http.ResponseWriter, q Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body) // bounded by the fault switches
		if err != nil {
			http.Error(w, "request cannot be read", http.StatusBadRequest)
			return
		}
		q, err := Read(r, body)
		if err == nil && (q.Operation != "SendMessage" || q.ServiceID != service) {
			err = fmt.Errorf("this service is SendMessage of %s", service)
		}
		if err == nil && password != "" && q.Password != password {
			Fault(w, "Client", "SendMessage", Unauthorized, "sender or password unknown")
			return
		}
		if err == nil {
			err = answer(w, q)
		}
		if err != nil {
			Fault(w, "Client", "SendMessage", "SVC_ERRFORMAT", err.Error())
		}
	})
}
