package registrytest

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
)

// Resumable is a double of what the distribution specification says of chunked
// uploads and none of the real registries of this package does: it keeps what
// arrived of an upload that was cut, says how much that is, and takes the rest.
// Everything else, and each finished blob, it passes on to a registry.
//
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-a-blob-in-chunks
type Resumable struct {
	next    http.Handler
	mu      sync.Mutex
	uploads map[string]*bytes.Buffer
}

// NewResumable puts the double before a registry.
func NewResumable(next http.Handler) *Resumable {
	return &Resumable{next: next, uploads: map[string]*bytes.Buffer{}}
}

var uploadPath = regexp.MustCompile(`^/v2/(.+)/blobs/uploads/([^/]*)$`)

// ServeHTTP implements http.Handler.
func (u *Resumable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := uploadPath.FindStringSubmatch(r.URL.Path)
	if m == nil {
		u.next.ServeHTTP(w, r)
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	repository, id := m[1], m[2]
	if id == "" {
		u.begin(w, r, repository)
		return
	}
	b := u.uploads[id]
	if b == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	at := "/v2/" + repository + "/blobs/uploads/" + id
	switch r.Method {
	case http.MethodGet:
		where(w, at, b.Len())
		w.WriteHeader(http.StatusNoContent)
	case http.MethodDelete:
		delete(u.uploads, id)
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPatch:
		if !inOrder(r, b.Len()) {
			where(w, at, b.Len())
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		if _, err := io.Copy(b, r.Body); err != nil {
			return
		}
		where(w, at, b.Len())
		w.WriteHeader(http.StatusAccepted)
	case http.MethodPut:
		if _, err := io.Copy(b, r.Body); err != nil {
			return
		}
		delete(u.uploads, id)
		u.finish(w, r, repository, b.Bytes())
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func (u *Resumable) begin(w http.ResponseWriter, r *http.Request, repository string) {
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	id := rand.Text()
	u.uploads[id] = &bytes.Buffer{}
	where(w, "/v2/"+repository+"/blobs/uploads/"+id, 0)
	w.WriteHeader(http.StatusAccepted)
}

func where(w http.ResponseWriter, at string, length int) {
	w.Header().Set("Location", at)
	w.Header().Set("Range", fmt.Sprintf("0-%d", max(0, length-1)))
}

// inOrder says whether a chunk begins where the upload stands.
func inOrder(r *http.Request, at int) bool {
	var first, last int
	n, err := fmt.Sscanf(r.Header.Get("Content-Range"), "%d-%d", &first, &last)
	return err == nil && n == 2 && first == at && int64(last-first+1) == r.ContentLength
}

// finish passes the blob on in the two requests that every registry takes.
func (u *Resumable) finish(w http.ResponseWriter, r *http.Request, repository string, content []byte) {
	begun := httptest.NewRecorder()
	post := r.Clone(r.Context())
	post.Method, post.Body, post.ContentLength = http.MethodPost, http.NoBody, 0
	post.URL.Path, post.URL.RawQuery = "/v2/"+repository+"/blobs/uploads/", ""
	u.next.ServeHTTP(begun, post)
	put := r.Clone(r.Context())
	to, err := post.URL.Parse(begun.Header().Get("Location"))
	if begun.Code != http.StatusAccepted || err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	query := to.Query()
	query.Set("digest", r.URL.Query().Get("digest"))
	put.URL.Path, put.URL.RawQuery = to.Path, query.Encode()
	put.Body, put.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
	put.RequestURI = strings.TrimSuffix(put.URL.RequestURI(), "?")
	u.next.ServeHTTP(w, put)
}
