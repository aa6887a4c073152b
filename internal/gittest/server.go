// Package gittest gives tests a real Git server: Git's own http-backend, or
// its upload-pack and receive-pack behind an ssh server, on loopback, with
// faults to order. Every server checks its repositories with git fsck when the
// test ends.
package gittest

import (
	"crypto/rand"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/pave-platform/pave/internal/dev/git"
)

// Options choose what Start starts.
type Options struct {
	TLS      bool     // https with a certificate of its own, in Server.CAFile
	Username string   // empty: any
	Auth     bool     // ask for Server.Token
	Protect  []string // branches that take no pushes once they exist
	Whole    bool     // no partial clones, as some servers have it
}

// Server serves one bare repository over http.
type Server struct {
	URL    string // of the repository
	CAFile string // with TLS
	Token  string // with Auth
	TokenFile,
	Username string
	Repository
	*Faults
}

// Start serves a new, empty repository until the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{Username: o.Username, Faults: &Faults{}}
	if o.Auth {
		s.Token = rand.Text()
		s.TokenFile = filepath.Join(t.TempDir(), "token")
		write(t, s.TokenFile, []byte(s.Token+"\n"))
	}
	backend, err := git.New(git.Options{Dir: t.TempDir(), Username: o.Username, Token: []byte(s.Token)})
	if err != nil {
		t.Fatal(err)
	}
	s.Repository = create(t, backend, o.Protect)
	if o.Whole {
		s.Git(t, "config", "uploadpack.allowFilter", "false")
	}
	server := httptest.NewUnstartedServer(s.Faults.around(backend))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug) // faults make noise
	if o.TLS {
		server.StartTLS()
		s.CAFile = filepath.Join(t.TempDir(), "ca.crt")
		write(t, s.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	s.URL = server.URL + "/" + filepath.Base(s.Dir)
	return s
}

// Handler serves h instead, on loopback: for servers that are no Git servers.
func Handler(t testing.TB, h http.Handler) (url string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
