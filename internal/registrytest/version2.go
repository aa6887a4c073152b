package registrytest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pave-platform/pave/hack/lab/program"
	"github.com/pave-platform/pave/internal/dev/serve"
)

var version2 = program.Program{Name: "registry2", Module: "registry2", Package: "github.com/pave-platform/pave/hack/lab/registry2"}

// Version2 starts Docker's registry 2.8, as Debian and many products have it, in
// a process of its own, with o.Wrap and TLS before it. It has no referrers API
// and takes no index whose images are missing.
func Version2(t testing.TB, o Options) *Registry {
	t.Helper()
	config := filepath.Join(t.TempDir(), "config.yml")
	must(t, os.WriteFile(config, fmt.Appendf(nil, `version: 0.1
storage:
  filesystem: {rootdirectory: %q}
  delete: {enabled: true}
  maintenance: {uploadpurging: {enabled: false}}
http: {addr: "127.0.0.1:0", secret: "one process only"}
`, t.TempDir()), 0o600))
	var said bytes.Buffer
	server := exec.Command(program.Binary(t, version2), config)
	server.Stderr = &said
	stdout, err := server.StdoutPipe()
	must(t, err)
	must(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill() // its folder goes too
		_ = server.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the registry ended before it listened: %v\n%s", err, said.String())
	}
	handler := Proxy(&url.URL{Scheme: "http", Host: strings.TrimSpace(line)})
	if o.Wrap != nil {
		handler = o.Wrap(handler)
	}
	if !o.Anonymous {
		handler = serve.BasicAuth(username, []byte(password), handler)
	}
	return start(t, o, handler)
}

// Proxy passes requests on to a registry that is another process, and lets it
// speak of itself by the name that it is called by.
func Proxy(to *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0), // tests break connections
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64, ExpectContinueTimeout: 0},
	}
}
