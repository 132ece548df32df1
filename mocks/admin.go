package mocks

import (
	"encoding/json"
	"net/http"
)

// Admin serves the switches beside a system's own API:
//
//	GET /_faults     the faults that may still strike
//	PUT /_faults     replaces them: a JSON array of Fault
//	DELETE /_faults  removes them
//	GET /_struck     how often faults have struck in all: a number
//	GET /_ledger     the effects, as a JSON array; ?application= picks one
func Admin(l *Ledger, f *Faults, api http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", api)
	mux.HandleFunc("GET /_faults", func(w http.ResponseWriter, _ *http.Request) {
		WriteJSON(w, http.StatusOK, f.Active())
	})
	mux.HandleFunc("PUT /_faults", func(w http.ResponseWriter, r *http.Request) {
		var faults []Fault
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
		d.DisallowUnknownFields()
		if err := d.Decode(&faults); err != nil {
			http.Error(w, "a JSON array of faults is expected: "+err.Error(), http.StatusBadRequest)
			return
		}
		f.Set(faults...)
		WriteJSON(w, http.StatusOK, f.Active())
	})
	mux.HandleFunc("DELETE /_faults", func(w http.ResponseWriter, _ *http.Request) {
		f.Clear()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /_struck", func(w http.ResponseWriter, _ *http.Request) {
		WriteJSON(w, http.StatusOK, f.Struck())
	})
	mux.HandleFunc("GET /_ledger", func(w http.ResponseWriter, r *http.Request) {
		effects := []Effect{}
		for _, e := range l.Effects() {
			if app := r.FormValue("application"); app == "" || app == e.Application {
				effects = append(effects, e)
			}
		}
		WriteJSON(w, http.StatusOK, effects)
	})
	return mux
}

// Bearer lets only those in who show the token; all, if it is empty.
func Bearer(token string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token != "" && r.Header.Get("Authorization") != "Bearer "+token {
			http.Error(w, "bearer token unknown", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// WriteJSON answers with v.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) //nolint:errcheck // the caller may have gone
}
