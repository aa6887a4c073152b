// Package registry is pave's one way to talk to an OCI registry: the platform
// CA is trusted, credentials come from files or the environment, and plain
// http is spoken to loopback only.
package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/secret"
)

// Options say how to reach registries.
type Options struct {
	CAFile   string        // PEM certificates trusted besides the system's; empty for none
	Username string        // empty: the Docker configuration file decides
	Password secret.Source // needed with Username
	Only     string        // the registry that Username is for, host[:port]; empty: all
}

// Client reaches registries with one set of options. It is safe for use by
// several goroutines.
type Client struct {
	transport *safeTransport
	tls       *tls.Config
	auth      authn.Keychain
}

// New validates o and reads the CA and the password, once.
func New(o Options) (*Client, error) {
	tlsConfig, err := TLSConfig(o.CAFile)
	if err != nil {
		return nil, err
	}
	auth, err := keychain(o)
	if err != nil {
		return nil, err
	}
	return &Client{transport: newTransport(tlsConfig), tls: tlsConfig, auth: auth}, nil
}

// TLSConfig trusts the system's roots and the PEM certificates in caFile, if
// one is given.
func TLSConfig(caFile string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile == "" {
		return c, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fault.Inputf("CA file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil || pool == nil {
		pool = x509.NewCertPool() // an empty container has no system roots
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fault.Inputf("CA file %s holds no PEM certificate", caFile)
	}
	c.RootCAs = pool
	return c, nil
}

func keychain(o Options) (authn.Keychain, error) {
	if o.Username == "" {
		if !o.Password.IsZero() {
			return nil, fault.Inputf("a registry password is given without a user name").Fix("give --registry-username too")
		}
		return authn.DefaultKeychain, nil
	}
	if o.Password.IsZero() {
		return nil, fault.Inputf("registry user %s has no password", o.Username).Fix("give --registry-password-file or --registry-password-env")
	}
	password, err := o.Password.Read()
	if err != nil {
		return nil, err
	}
	login := fixed{authn.FromConfig(authn.AuthConfig{Username: o.Username, Password: string(password)})}
	if o.Only != "" {
		return only{o.Only, login}, nil
	}
	return login, nil
}

// only is a login at one registry; the Docker configuration file decides for the
// others.
type only struct {
	host string
	fixed
}

// Resolve implements authn.Keychain.
func (o only) Resolve(r authn.Resource) (authn.Authenticator, error) {
	if r.RegistryStr() == o.host {
		return o.fixed.Resolve(r)
	}
	return authn.DefaultKeychain.Resolve(r)
}

type fixed struct{ authn.Authenticator }

// Resolve gives the same credentials for every registry.
func (f fixed) Resolve(authn.Resource) (authn.Authenticator, error) { return f.Authenticator, nil }

// Remote gives the options for calls of package remote.
func (c *Client) Remote(ctx context.Context) []remote.Option {
	return []remote.Option{
		remote.WithContext(ctx),
		remote.WithTransport(c.transport),
		remote.WithAuthFromKeychain(c.auth),
		remote.WithUserAgent("pave"),
		remote.WithJobs(4),
	}
}

// Close closes idle connections. The client stays usable.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Transport gives the bare transport, for clients that authenticate themselves.
func (c *Client) Transport() http.RoundTripper { return c.transport }

// Pool gives a transport of its own for many requests at a time, with so many
// idle connections to each registry. With bulk each large body has a connection
// to itself. Whoever asks for a pool closes its idle connections.
func (c *Client) Pool(connections int, bulk bool) http.RoundTripper {
	return c.transport.pool(connections, bulk)
}

// TLS gives a copy of the TLS configuration, for clients that dial themselves.
func (c *Client) TLS() *tls.Config { return c.tls.Clone() }

// Keychain gives the credentials by registry.
func (c *Client) Keychain() authn.Keychain { return c.auth }

// ParseReference reads a reference; a bad one is an input error.
func ParseReference(ref string) (name.Reference, error) {
	r, err := name.ParseReference(ref, name.StrictValidation)
	if err != nil {
		return nil, fault.Inputf("image reference %q: %w", ref, err).Fix("write it as registry/project/app:tag or registry/project/app@sha256:…")
	}
	return r, nil
}

// ParseDigest reads a reference that must be pinned by digest.
func ParseDigest(ref string) (name.Digest, error) {
	d, err := name.NewDigest(ref, name.StrictValidation)
	if err != nil {
		return name.Digest{}, fault.Inputf("image reference %q is not pinned by digest", ref).Fix("write it as registry/project/app@sha256:…")
	}
	return d, nil
}
