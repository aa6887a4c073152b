// Package registrytest starts real registries for tests: over TLS by a CA of
// their own, with a password, on loopback, gone when the test ends.
//
// The kinds differ where registries do: New lists referrers through the API,
// Distribution (as many on-premises ones) does not, so that clients keep them in
// a tag; Version2 is what Debian has, and accepts least.
package registrytest

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/pave-platform/pave/internal/dev/ca"
	dev "github.com/pave-platform/pave/internal/dev/registry"
	"github.com/pave-platform/pave/internal/dev/serve"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/secret"
)

// Options change what a registry does. The zero value is the usual one: TLS,
// a password.
type Options struct {
	Plain       bool // http instead of https
	Anonymous   bool // no password
	HTTP2       bool // besides HTTP/1.1
	NoReferrers bool // no referrers API; Distribution never has it
	Tokens      bool // of Distribution: bearer tokens, which its own server gives for the password
	ForeignURLs bool // of Distribution: manifests may name layers at other places
	Sparse      bool // of Distribution: an index may name images that are not there

	// Wrap puts a handler before the registry, behind TLS and the password,
	// for tests that count or break requests.
	Wrap func(http.Handler) http.Handler
}

// Registry is a running registry.
type Registry struct {
	Host         string // 127.0.0.1:port
	CAFile       string // empty with Plain
	Username     string // empty with Anonymous
	Password     string
	PasswordFile string // holds Password

	Tokens *Tokens // with Options.Tokens
}

const (
	username = "robot"
	password = "registry-pa55word"
)

// New starts pave's own registry, with the referrers API.
func New(t testing.TB, o Options) *Registry {
	t.Helper()
	handler, err := dev.New(dev.Options{Dir: t.TempDir(), NoReferrers: o.NoReferrers})
	must(t, err)
	if o.Wrap != nil {
		handler = o.Wrap(handler)
	}
	if !o.Anonymous {
		handler = serve.BasicAuth(username, []byte(password), handler)
	}
	return start(t, o, handler)
}

// Ref gives a reference at this registry, as in r.Ref("project/app:1").
func (r *Registry) Ref(rest string) string { return r.Host + "/" + rest }

// Options are a client's right options.
func (r *Registry) Options() registry.Options {
	o := registry.Options{CAFile: r.CAFile, Username: r.Username}
	if r.Username != "" {
		o.Password = secret.Source{File: r.PasswordFile}
	}
	return o
}

// Client gives a client with the right options.
func (r *Registry) Client(t testing.TB) *registry.Client {
	t.Helper()
	c, err := registry.New(r.Options())
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

// Flags are the command line's flags for this registry.
func (r *Registry) Flags() []string {
	var flags []string
	if r.CAFile != "" {
		flags = append(flags, "--ca-file", r.CAFile)
	}
	if r.Username != "" {
		flags = append(flags, "--registry-username", r.Username, "--registry-password-file", r.PasswordFile)
	}
	return flags
}

func start(t testing.TB, o Options, handler http.Handler) *Registry {
	t.Helper()
	r := &Registry{}
	if !o.Anonymous {
		r.Username, r.Password, r.PasswordFile = username, password, filepath.Join(t.TempDir(), "password")
		must(t, os.WriteFile(r.PasswordFile, []byte(password), 0o600))
	}
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients go, and tests break connections
	if o.Plain {
		server.Start()
	} else {
		certs, err := ca.Run(t.Context(), ca.Options{Dir: t.TempDir(), Hosts: []string{"127.0.0.1", "localhost"}})
		must(t, err)
		pair, err := tls.LoadX509KeyPair(certs.Cert, certs.Key)
		must(t, err)
		server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
		server.EnableHTTP2 = o.HTTP2
		server.StartTLS()
		r.CAFile = certs.CA
	}
	t.Cleanup(server.Close)
	r.Host = server.Listener.Addr().String()
	return r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
