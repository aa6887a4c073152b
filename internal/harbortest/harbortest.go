// Package harbortest is a double of Harbor for tests: the part of its API v2.0
// that package harbor uses, before a real registry that lets pushes into projects
// only that are there.
//
// It is a double, written from the public API description
// (https://github.com/goharbor/harbor/blob/main/api/v2.0/swagger.yaml): Harbor
// itself needs databases and a dozen processes. It is strict: a path, method, field
// or type that the description does not have is answered with an error and fails
// the test. Faults can be ordered.
package harbortest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pave-platform/pave/internal/harbor"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/secret"
)

// Harbor is a running double. Its fields may be changed between requests.
type Harbor struct {
	*registrytest.Registry

	mu         sync.Mutex
	t          testing.TB
	registry   http.Handler
	projects   []*Project
	robots     []*harbor.Robot
	retentions map[int64]*harbor.Retention
	next       int64 // id
	faults     []Fault
	calls      []string
}

// Project is a project of the double.
type Project struct {
	harbor.Project
	StorageLimit int64 // bytes of a single upload that still pass; -1 for any number
	ReadOnly     bool  // pushes are answered with 403
	Immutable    []harbor.ImmutableRule
}

// Fault is an answer to one request in place of the right one.
type Fault struct {
	Method string // empty: any
	Path   string // what the path contains; empty: any
	Status int    // 0: the connection breaks
	After  bool   // the request is carried out, and the answer is lost or replaced
}

// Start starts a double with TLS, a password, and no project.
func Start(t testing.TB) *Harbor {
	t.Helper()
	h := &Harbor{t: t, retentions: map[int64]*harbor.Retention{}}
	h.Registry = registrytest.New(t, registrytest.Options{Wrap: h.wrap})
	return h
}

// Options are a client's right options.
func (h *Harbor) Options() harbor.Options {
	return harbor.Options{
		URL: "https://" + h.Host, Username: h.Username, Password: secret.Source{File: h.PasswordFile}, CAFile: h.CAFile,
	}
}

// Add makes a project without a request.
func (h *Harbor) Add(name string) *Project {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.add(harbor.NewProject{Name: name, StorageLimit: -1})
}

func (h *Harbor) add(p harbor.NewProject) *Project {
	made := &Project{Project: harbor.Project{ID: h.id(), Name: p.Name, Metadata: p.Metadata}, StorageLimit: p.StorageLimit}
	h.projects = append(h.projects, made)
	return made
}

func (h *Harbor) id() int64 { h.next++; return h.next }

// Retain gives a project a retention policy without a request.
func (h *Harbor) Retain(p *Project, r harbor.Retention) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.ID = h.id()
	r.Scope = harbor.RetentionScope{Level: "project", Ref: p.ID}
	h.retentions[r.ID] = &r
	p.Metadata.RetentionID = fmt.Sprint(r.ID)
}

// Find gives a project, or nil.
func (h *Harbor) Find(name string) *Project {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.find(name)
}

func (h *Harbor) find(name string) *Project {
	for _, p := range h.projects {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Fail orders faults for the next requests that they are for, one each.
func (h *Harbor) Fail(faults ...Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = append(h.faults, faults...)
}

// Calls gives the API's requests so far, as in "GET /projects/library".
func (h *Harbor) Calls() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.calls...)
}

// wrap puts the API beside the registry. The registry's own password guards both.
func (h *Harbor) wrap(registry http.Handler) http.Handler {
	h.registry = registry
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path, ok := strings.CutPrefix(r.URL.EscapedPath(), "/api/v2.0"); ok {
			h.api(w, r, path)
			return
		}
		if h.admits(w, r) {
			registry.ServeHTTP(w, r)
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, faulty := h.fault(r)
		switch {
		case !faulty:
			inner.ServeHTTP(w, r)
			return
		case f.After:
			inner.ServeHTTP(nobody{http.Header{}}, r)
		}
		if f.Status == 0 {
			panic(http.ErrAbortHandler)
		}
		refuse(w, f.Status, "UNKNOWN", "ordered by the test")
	})
}

func (h *Harbor) fault(r *http.Request) (Fault, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, f := range h.faults {
		if (f.Method == "" || f.Method == r.Method) && strings.Contains(r.URL.Path, f.Path) {
			h.faults = append(h.faults[:i:i], h.faults[i+1:]...)
			return f, true
		}
	}
	return Fault{}, false
}

// admits is Harbor's middleware before the registry: a project must be there, may
// be written to, and has a quota.
func (h *Harbor) admits(w http.ResponseWriter, r *http.Request) bool {
	name, _, below := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/")
	if !below {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.find(name)
	writes := r.Method != http.MethodGet && r.Method != http.MethodHead
	switch {
	case p == nil && writes:
		refuse(w, http.StatusNotFound, "NOT_FOUND", "project "+name+" not found")
	case p == nil:
		refuse(w, http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry")
	case writes && p.ReadOnly:
		refuse(w, http.StatusForbidden, "DENIED", "requested access to the resource is denied")
	case writes && p.StorageLimit >= 0 && r.ContentLength > p.StorageLimit:
		refuse(w, http.StatusForbidden, "DENIED", "adding storage resource, which when updated to current usage will exceed the configured upper limit")
	case r.Method == http.MethodPut && p.keeps(r.URL.Path):
		refuse(w, http.StatusPreconditionFailed, "PRECONDITION", "Failed to process request due to the tag configured as immutable")
	default:
		return true
	}
	return false
}

// keeps tells whether a rule makes the tag in the path of a manifest immutable.
// The double knows one pattern, **, and takes every tag for there already.
func (p *Project) keeps(path string) bool {
	_, reference, manifest := strings.Cut(path, "/manifests/")
	if !manifest || strings.Contains(reference, ":") {
		return false
	}
	for _, r := range p.Immutable {
		if !r.Disabled {
			return true
		}
	}
	return false
}

// refuse answers as Harbor does.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}})
}

// nobody is a client that does not get the answer.
type nobody struct{ header http.Header }

func (n nobody) Header() http.Header         { return n.header }
func (n nobody) Write(b []byte) (int, error) { return len(b), nil }
func (n nobody) WriteHeader(int)             {}

// read decodes a body with the description's fields and no other.
func (h *Harbor) read(w http.ResponseWriter, r *http.Request, into any) bool {
	if kind := r.Header.Get("Content-Type"); kind != "application/json" {
		refuse(w, http.StatusUnsupportedMediaType, "BAD_REQUEST", "content type "+kind)
		return false
	}
	d := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		h.t.Errorf("Harbor's double: %s %s: %v", r.Method, r.URL.Path, err)
		refuse(w, http.StatusUnprocessableEntity, "BAD_REQUEST", err.Error())
		return false
	}
	return true
}
