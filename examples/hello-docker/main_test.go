package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPaths(t *testing.T) {
	for path, want := range map[string]int{
		"/":        http.StatusOK,
		"/healthz": http.StatusNoContent,
		"/readyz":  http.StatusNoContent,
		"/nowhere": http.StatusNotFound,
	} {
		w := httptest.NewRecorder()
		handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != want {
			t.Errorf("%s: got %d, want %d", path, w.Code, want)
		}
		if path == "/" && !strings.Contains(w.Body.String(), "<h1>Hello from a Dockerfile.</h1>") {
			t.Errorf("the page is not served:\n%s", w.Body)
		}
	}
}
