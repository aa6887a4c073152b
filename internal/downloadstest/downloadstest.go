// Package downloadstest is a double of the Downloads of a Bitbucket Cloud
// repository, written from the public description of REST API 2.0. It is strict
// about paths, methods, parameters, form fields and credentials, and can fail.
package downloadstest

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Server is one repository's Downloads.
type Server struct {
	URL        string // of the API, as a client is configured with
	Workspace  string
	Repository string
	Token      string
	PageLength int // at most; 0: as asked

	mu    sync.Mutex
	files map[string][]byte
	puts  int
	fail  []Fault
}

// Fault is what goes wrong with one request.
type Fault int

// What can go wrong.
const (
	Busy     Fault = iota + 1 // 503
	CutAfter                  // it is obeyed, and the connection breaks before the answer
	Forbid                    // 403
)

// Start starts a server with nothing in it.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{Workspace: "acme", Repository: "platform", Token: "token-of-the-downloads", files: map[string][]byte{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL + "/2.0"
	return s
}

// Fail orders faults for the next requests, one each.
func (s *Server) Fail(next ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = append(s.fail, next...)
}

// Files are what is there.
func (s *Server) Files() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.files)
}

// Puts counts the uploads that were taken.
func (s *Server) Puts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.puts
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var fault Fault
	if len(s.fail) > 0 {
		fault, s.fail = s.fail[0], s.fail[1:]
	}
	switch kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); {
	case fault == Busy:
		refuse(w, http.StatusServiceUnavailable, "try again")
	case kind != "Bearer" || subtle.ConstantTimeCompare([]byte(token), []byte(s.Token)) != 1:
		refuse(w, http.StatusUnauthorized, "Token is invalid or not supported for this endpoint.")
	case fault == Forbid:
		refuse(w, http.StatusForbidden, "Your credentials lack one or more required privilege scopes.")
	case r.URL.Path != "/2.0/repositories/"+s.Workspace+"/"+s.Repository+"/downloads":
		refuse(w, http.StatusNotFound, "Resource not found")
	case r.Method == http.MethodGet:
		s.list(w, r)
	case r.Method == http.MethodPost && r.URL.RawQuery == "":
		s.put(w, r, fault == CutAfter)
	default:
		refuse(w, http.StatusMethodNotAllowed, "Method not allowed")
	}
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"type": "error", "error": map[string]string{"message": message}})
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	length, page := 10, 1
	for name, values := range r.URL.Query() {
		n, err := strconv.Atoi(values[0])
		switch {
		case err != nil || n < 1 || n > 100 || (name != "pagelen" && name != "page"):
			refuse(w, http.StatusBadRequest, "Invalid "+name)
			return
		case name == "pagelen":
			length = n
		default:
			page = n
		}
	}
	if s.PageLength > 0 {
		length = min(length, s.PageLength)
	}
	names := slices.Sorted(maps.Keys(s.files))
	from := min(len(names), (page-1)*length)
	to := min(len(names), from+length)
	values := []map[string]any{}
	for _, n := range names[from:to] {
		values = append(values, map[string]any{"name": n, "size": len(s.files[n]), "type": "download"})
	}
	answer := map[string]any{"values": values, "pagelen": length, "page": page, "size": len(names)}
	if to < len(names) {
		answer["next"] = fmt.Sprintf("http://%s%s?pagelen=%d&page=%d", r.Host, r.URL.Path, length, page+1)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *Server) put(w http.ResponseWriter, r *http.Request, cut bool) {
	form, err := r.MultipartReader()
	if err != nil {
		refuse(w, http.StatusUnsupportedMediaType, "multipart/form-data is required")
		return
	}
	got := map[string][]byte{}
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil || part.FormName() != "files" || part.FileName() == "" {
			refuse(w, http.StatusBadRequest, "files is required")
			return
		}
		content, err := io.ReadAll(part)
		if err != nil {
			refuse(w, http.StatusBadRequest, "the file is cut off")
			return
		}
		got[part.FileName()] = content
	}
	if len(got) == 0 {
		refuse(w, http.StatusBadRequest, "files is required")
		return
	}
	maps.Copy(s.files, got)
	s.puts += len(got)
	if cut {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusCreated)
}
