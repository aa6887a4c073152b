package ca_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pave-platform/pave/internal/dev/ca"
	"github.com/pave-platform/pave/internal/fault"
)

func TestAClientThatTrustsTheCATrustsTheServer(t *testing.T) {
	r := run(t, t.TempDir(), "localhost", "127.0.0.1")
	cert, err := tls.LoadX509KeyPair(r.Cert, r.Key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	server.StartTLS()
	t.Cleanup(server.Close)

	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(read(t, r.CA))
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	t.Cleanup(client.CloseIdleConnections)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost"} {
		resp, err := client.Get("https://" + net.JoinHostPort(host, port))
		if err != nil {
			t.Fatalf("%s: %v", host, err)
		}
		resp.Body.Close()
	}
}

func TestASecondRunKeepsWhatIsGood(t *testing.T) {
	for name, c := range map[string]struct {
		hosts        []string
		damage       string
		newCA, newID bool
	}{
		"the same hosts in another order": {hosts: []string{"127.0.0.1", "registry.test"}},
		"other hosts need a certificate":  {hosts: []string{"git.test"}, newID: true},
		"a lost key needs a certificate":  {hosts: []string{"registry.test", "127.0.0.1"}, damage: "tls.key", newID: true},
		"a lost CA key needs all anew":    {hosts: []string{"registry.test", "127.0.0.1"}, damage: "ca.key", newCA: true, newID: true},
		"a damaged CA needs all anew":     {hosts: []string{"registry.test", "127.0.0.1"}, damage: "ca.crt", newCA: true, newID: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			first := run(t, dir, "registry.test", "127.0.0.1")
			caBefore, certBefore := read(t, first.CA), read(t, first.Cert)
			if c.damage != "" {
				if err := os.WriteFile(filepath.Join(dir, c.damage), []byte("x"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			second := run(t, dir, c.hosts...)
			if got := !slices.Equal(caBefore, read(t, second.CA)); got != c.newCA {
				t.Errorf("new CA: got %v, want %v", got, c.newCA)
			}
			if got := !slices.Equal(certBefore, read(t, second.Cert)); got != c.newID || second.Changed != c.newID {
				t.Errorf("new certificate: got %v (changed %v), want %v", got, second.Changed, c.newID)
			}
			if _, err := tls.LoadX509KeyPair(second.Cert, second.Key); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestKeysAreReadableByTheirOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, "localhost")
	for _, name := range []string{"ca.key", "tls.key"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v", name, info.Mode(), err)
		}
	}
}

func TestBadHostsAreInputErrors(t *testing.T) {
	for name, hosts := range map[string][]string{
		"none":        nil,
		"an address":  {"registry.test:5000"},
		"a URL":       {"https://registry.test"},
		"an empty":    {""},
		"a bad label": {"-a.test"},
	} {
		if _, err := ca.Run(t.Context(), ca.Options{Dir: t.TempDir(), Hosts: hosts}); fault.KindOf(err) != fault.Input || err == nil {
			t.Errorf("%s: got %v, want an input error", name, err)
		}
	}
}

func run(t *testing.T, dir string, hosts ...string) ca.Result {
	t.Helper()
	r, err := ca.Run(t.Context(), ca.Options{Dir: dir, Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
