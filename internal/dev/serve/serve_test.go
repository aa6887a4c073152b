package serve_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/dev/ca"
	"github.com/pave-platform/pave/internal/dev/serve"
	"github.com/pave-platform/pave/internal/fault"
)

func TestItServesOverTLSWithAPasswordUntilTheContextEnds(t *testing.T) {
	certs, err := ca.Run(t.Context(), ca.Options{Dir: t.TempDir(), Hosts: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	urls, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- serve.Run(ctx, serve.Options{Addr: "127.0.0.1:0", TLSCert: certs.Cert, TLSKey: certs.Key, Username: "ci", Password: []byte("right")},
			http.NotFoundHandler(), func(url string) { urls <- url })
	}()
	var url string
	select {
	case url = <-urls:
	case err := <-ended:
		t.Fatal(err)
	}
	pem, err := os.ReadFile(certs.CA)
	if err != nil {
		t.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
	transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem)
	client := http.Client{Transport: transport}
	for password, want := range map[string]int{"right": http.StatusNotFound, "wrong": http.StatusUnauthorized, "": http.StatusUnauthorized} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		r.SetBasicAuth("ci", password)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("password %q: got %d, want %d", password, resp.StatusCode, want)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the end: %v", err)
	}
	if _, err := client.Get(url); err == nil {
		t.Error("it still answers")
	}
}

func TestBadOptionsAreInputErrors(t *testing.T) {
	for name, c := range map[string]struct {
		o    serve.Options
		want string
	}{
		"plain http on every address":   {serve.Options{Addr: "0.0.0.0:0"}, "--tls-cert"},
		"plain http on no address":      {serve.Options{Addr: ":0"}, "--tls-cert"},
		"a certificate without its key": {serve.Options{Addr: "127.0.0.1:0", TLSCert: filepath.Join(t.TempDir(), "x")}, "TLS certificate"},
		"no port":                       {serve.Options{Addr: "127.0.0.1"}, "missing port"},
		"a user without a password":     {serve.Options{Addr: "127.0.0.1:0", Username: "ci"}, "password"},
	} {
		err := serve.Run(t.Context(), c.o, http.NotFoundHandler(), func(string) { t.Errorf("%s: it listens", name) })
		if err == nil || fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an input error with %q", name, err, c.want)
		}
	}
}
