// Package forgetest is a double of the forges' pull request APIs: Bitbucket Cloud
// (2.0), Bitbucket Data Center (1.0), GitHub (v3) and GitLab (v4). One server shows
// one repository through all four at the same time, written from their public
// descriptions.
//
// It is strict: a path, a method, a query parameter or a field that the API does
// not have is refused and remembered as a misuse, which fails the test. It refuses
// what the real ones refuse (a second pull request from a branch, a stale version,
// a token without rights), gives commits as they do (Bitbucket Cloud 12 digits) and
// pages as they do. Faults can be ordered.
package forgetest

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/secret"
)

// Options choose what Start starts.
type Options struct {
	Project, Repository string // default: shop, web
	Username            string // Bitbucket: the token is this user's password; empty: an access token
	Public              bool   // anybody may read
	TLS                 bool   // https with a certificate of its own, in Server.CAFile
	PageLength          int    // most items on a page, for tests of pagination; 0: as the real ones
}

// Server is one repository on four forges. Make it with New or Start.
type Server struct {
	Options
	URL       string // without a path; New leaves it empty: answers then name the request's host
	Token     string // may do everything
	ReadToken string // may read
	TokenFile string // with Start
	CAFile    string // with Start and TLS
	*Faults

	mu       sync.Mutex
	branches map[string]string // name to commit
	pulls    []*pull           // by number, from 1
	notes    int               // how many comments were ever written, for their ids
	misuses  []string
	routes   http.Handler
}

// New makes a server with branch main and no pull request, for those who serve it
// themselves.
func New(o Options) *Server {
	if o.Project == "" {
		o.Project = "shop"
	}
	if o.Repository == "" {
		o.Repository = "web"
	}
	s := &Server{Options: o, Token: rand.Text(), ReadToken: rand.Text(), Faults: &Faults{}, branches: map[string]string{}}
	mux := http.NewServeMux()
	s.cloudRoutes(mux)
	s.dataCenterRoutes(mux)
	s.gitHubRoutes(mux)
	s.gitLabRoutes(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.misuse(r, "no such path or method")
		http.NotFound(w, r)
	})
	s.routes = s.Faults.around(mux)
	s.Push("main")
	return s
}

// Start serves New's server on loopback until the test ends. A misuse of the API
// fails the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := New(o)
	server := httptest.NewUnstartedServer(s)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug) // faults make noise
	if o.TLS {
		server.StartTLS()
		s.CAFile = write(t, "ca.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	} else {
		server.Start()
	}
	s.URL = server.URL
	s.TokenFile = write(t, "token", s.Token+"\n")
	t.Cleanup(func() {
		s.Faults.release()
		server.Close()
		for _, misuse := range s.Misuses() {
			t.Errorf("misuse of the forge's API: %s", misuse)
		}
	})
	return s
}

func write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.routes.ServeHTTP(w, r) }

// API is where kind's API is, as one would configure it.
func (s *Server) API(kind forge.Kind) string {
	return s.URL + map[forge.Kind]string{forge.BitbucketCloud: "/2.0", forge.BitbucketDataCenter: "", forge.GitHub: "/api/v3", forge.GitLab: ""}[kind]
}

// Forge gives the options of a client that may do everything.
func (s *Server) Forge(kind forge.Kind) forge.Options {
	o := forge.Options{Kind: kind, URL: s.API(kind), Project: s.Project, Repository: s.Repository, Token: secret.Source{File: s.TokenFile}, CAFile: s.CAFile}
	if kind == forge.BitbucketCloud || kind == forge.BitbucketDataCenter {
		o.Username = s.Username
	}
	return o
}

// Misuses are the requests so far that the APIs do not have.
func (s *Server) Misuses() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.misuses...)
}

func (s *Server) misuse(r *http.Request, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.misuses = append(s.misuses, fmt.Sprintf("%s %s: %s", r.Method, r.URL, fmt.Sprintf(format, args...)))
}

// Push gives a branch a new commit, made if need be, and gives its hash.
func (s *Server) Push(branch string) string {
	raw := make([]byte, 20)
	_, _ = rand.Read(raw)
	commit := hex.EncodeToString(raw)
	s.PushCommit(branch, commit)
	return commit
}

// PushCommit gives a branch a certain commit, of 40 digits.
func (s *Server) PushCommit(branch, commit string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.branches[branch] = commit
	for _, p := range s.pulls {
		if p.state == "open" && !p.fork && p.branch == branch {
			p.updated = now()
		}
	}
}

// base is the server's own address, for links.
func (s *Server) base(r *http.Request) string {
	if s.URL != "" {
		return s.URL
	}
	return "http://" + r.Host
}

// is tells whether a path names the one repository.
func (s *Server) is(project, repository string) bool {
	return strings.EqualFold(project, s.Project) && strings.EqualFold(repository, s.Repository)
}
