package eds

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kandashub/mocks"
)

// The statuses of NCANode, its odd ones included. What it says of signatures is
// seen by the adapter's tests.
func TestStatuses(t *testing.T) {
	s, err := New(mocks.Env{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Ledger.Close() })
	for _, tc := range []struct {
		method, path, body string
		status             int
		contains           string
	}{
		{"GET", "/actuator/health", "", 200, `{"status":"UP"}`},
		{"POST", "/xml/verify", `{"xml":"<a></a>"}`, 200, `"valid":false,"signers":[]`},
		{"POST", "/xml/verify", `{"xml":"<a>"}`, 500, "Cannot read XML"},
		{"POST", "/xml/verify", `{"cms":"YQ=="}`, 400, `"status":400`},
		{"POST", "/xml/verify", `no JSON`, 400, `"status":400`},
		{"POST", "/cms/verify", `{"cms":"YQ=="}`, 400, `"status":400`},
		{"POST", "/cms/verify", `{"cms":"` + mocks.SignCMS([]byte("a")) + `","data":"§"}`, 400, "base64"},
		{"POST", "/cms/verify", `{"cms":"` + mocks.SignCMS([]byte("a")) + `"}`, 200, `"signers":[{"certificates":[{"valid":true`},
		{"PUT", "/_ocsp", `{}`, 400, "down"},
		{"GET", "/xml/verify", "", 405, ""},
	} {
		r := httptest.NewRequest(tc.method, tc.path, strings.NewReader(tc.body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.Handler.ServeHTTP(w, r)
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.contains) {
			t.Errorf("%s %s %s: %d %s, want %d %s", tc.method, tc.path, tc.body, w.Code, w.Body, tc.status, tc.contains)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/xml/verify", strings.NewReader("<a/>"))
	w := httptest.NewRecorder()
	if s.Handler.ServeHTTP(w, r); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("without a content type: %d", w.Code)
	}
}
