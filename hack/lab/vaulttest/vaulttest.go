// Package vaulttest starts a real Vault for tests: its core, in memory, over
// TLS by a CA of its own, on loopback, gone when the test ends.
package vaulttest

import (
	"bufio"
	"bytes"
	"io"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	vault "github.com/hashicorp/vault/api"

	"github.com/pave-platform/pave/hack/lab/program"
	"github.com/pave-platform/pave/internal/dev/ca"
)

var vaultCore = program.Program{Name: "vault", Module: "vault", Package: "github.com/pave-platform/pave/hack/lab/vault"}

// Server is a running Vault.
type Server struct {
	Address string        // https://127.0.0.1:port
	CAFile  string        // trusts the server's certificate
	Client  *vault.Client // trusts the server; has the root token after Unseal
}

// Start starts a Vault that is neither initialised nor unsealed.
func Start(t testing.TB) *Server {
	t.Helper()
	certs, err := ca.Run(t.Context(), ca.Options{Dir: t.TempDir(), Hosts: []string{"127.0.0.1"}})
	must(t, err)
	var log bytes.Buffer
	server := exec.Command(program.Binary(t, vaultCore), "-tls-cert", certs.Cert, "-tls-key", certs.Key)
	server.Stderr = &log
	stdout, err := server.StdoutPipe()
	must(t, err)
	must(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill() // it keeps nothing
		_ = server.Wait()
		if t.Failed() {
			t.Logf("Vault said:\n%s", log.String())
		}
	})
	s := &Server{Address: address(t, stdout), CAFile: certs.CA}
	config := vault.DefaultConfig()
	must(t, config.Error)
	config.Address = s.Address
	config.Timeout = 30 * time.Second
	must(t, config.ConfigureTLS(&vault.TLSConfig{CACert: s.CAFile}))
	s.Client, err = vault.NewClient(config)
	must(t, err)
	s.Client.ClearToken() // one from the environment is another server's
	return s
}

// address reads the one line that the server prints when it listens.
func address(t testing.TB, stdout io.Reader) string {
	t.Helper()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("Vault ended before it listened: %v", err)
	}
	line = strings.TrimSpace(line)
	if u, err := url.Parse(line); err != nil || u.Scheme != "https" {
		t.Fatalf("Vault says %q, not its URL", line)
	}
	return line
}

// Unseal initialises the server with one key share, unseals it and gives Client
// the root token.
func (s *Server) Unseal(t testing.TB) {
	t.Helper()
	keys, err := s.Client.Sys().InitWithContext(t.Context(), &vault.InitRequest{SecretShares: 1, SecretThreshold: 1})
	must(t, err)
	_, err = s.Client.Sys().UnsealWithContext(t.Context(), keys.KeysB64[0])
	must(t, err)
	s.Client.SetToken(keys.RootToken)
}

// Token makes a token that may do what policy, in Vault's policy language, says.
func (s *Server) Token(t testing.TB, name, policy string) string {
	t.Helper()
	must(t, s.Client.Sys().PutPolicyWithContext(t.Context(), name, policy))
	made, err := s.Client.Auth().Token().CreateWithContext(t.Context(), &vault.TokenCreateRequest{Policies: []string{name}, NoDefaultPolicy: true})
	must(t, err)
	return made.Auth.ClientToken
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
