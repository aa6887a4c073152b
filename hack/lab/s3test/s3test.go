// Package s3test starts a real S3 server for tests: the Versity gateway over a
// folder of the test, over TLS by a CA of its own, on loopback, gone when the test
// ends.
package s3test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/pave-platform/pave/hack/lab/program"
	"github.com/pave-platform/pave/internal/dev/ca"
)

var gateway = program.Program{Name: "versitygw", Module: "s3", Package: "github.com/versity/versitygw/cmd/versitygw"}

// Server is a running S3 server with one bucket.
type Server struct {
	Endpoint  string // https://127.…:7070
	CAFile    string // trusts the server's certificate
	Bucket    string
	AccessKey string
	SecretKey string
	Dir       string // the bucket's objects, as files
}

const port = "7070"

// Start starts a server and waits until it answers.
func Start(t testing.TB) *Server {
	t.Helper()
	address := fmt.Sprintf("127.%d.%d.%d", number(t), number(t), number(t))
	certs, err := ca.Run(t.Context(), ca.Options{Dir: t.TempDir(), Hosts: []string{address}})
	must(t, err)
	root := t.TempDir()
	s := &Server{
		Endpoint: "https://" + net.JoinHostPort(address, port), CAFile: certs.CA, Bucket: "etcd",
		AccessKey: "key-" + rand.Text(), SecretKey: rand.Text(), Dir: filepath.Join(root, "buckets", "etcd"),
	}
	must(t, os.MkdirAll(s.Dir, 0o755))
	must(t, os.MkdirAll(filepath.Join(root, "metadata"), 0o755))
	var log bytes.Buffer
	server := exec.CommandContext(context.WithoutCancel(t.Context()), program.Binary(t, gateway),
		"--port", net.JoinHostPort(address, port), "--cert", certs.Cert, "--key", certs.Key, "--quiet",
		"posix", "--sidecar", filepath.Join(root, "metadata"), filepath.Join(root, "buckets"))
	server.Env = []string{"ROOT_ACCESS_KEY=" + s.AccessKey, "ROOT_SECRET_KEY=" + s.SecretKey}
	server.Stdout, server.Stderr = &log, &log
	must(t, server.Start())
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	t.Cleanup(func() {
		_ = server.Process.Kill() // its folder goes, too
		<-ended
		if t.Failed() {
			t.Logf("the S3 server said:\n%s", log.String())
		}
	})
	s.await(t, ended)
	return s
}

func (s *Server) await(t testing.TB, ended chan error) {
	t.Helper()
	pem, err := os.ReadFile(s.CAFile)
	must(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint, http.NoBody)
		must(t, err)
		if answer, err := client.Do(r); err == nil {
			_ = answer.Body.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the S3 server ended: %v", err)
		case <-ctx.Done():
			t.Fatal("the S3 server does not answer")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// number is a part of an address that nobody else is likely to have.
func number(t testing.TB) int {
	t.Helper()
	var b [1]byte
	_, err := rand.Read(b[:])
	must(t, err)
	return int(b[0])%250 + 2
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
