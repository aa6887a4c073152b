package registry

import (
	"io"
	"net/http"
	"os"
)

// spool receives an upload whole before inner sees it. The protocol's handler
// reads a body under its one lock: a client that stalls, or two uploads that
// share one HTTP/2 connection's window, would hold up everybody.
type spool struct {
	inner http.Handler
	dir   string
}

// ServeHTTP implements http.Handler.
func (s spool) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		s.inner.ServeHTTP(w, r)
		return
	}
	file, err := os.CreateTemp(s.dir, "upload-*")
	if err != nil {
		http.Error(w, "the upload cannot be kept", http.StatusInsufficientStorage)
		return
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if _, err := io.Copy(file, r.Body); err != nil {
		http.Error(w, "the upload ended early", http.StatusBadRequest)
		return
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		http.Error(w, "the upload cannot be read again", http.StatusInternalServerError)
		return
	}
	r.Body = file
	s.inner.ServeHTTP(w, r)
}
