package registry_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pave-platform/pave/internal/dev/ca"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/secret"
)

func TestTheRightOptionsReachARegistry(t *testing.T) {
	for kind, o := range map[string]registrytest.Options{
		"over TLS with a password": {},
		"plain on loopback":        {Plain: true},
	} {
		t.Run(kind, func(t *testing.T) {
			r := registrytest.New(t, o)
			img, err := random.Image(1024, 1)
			must(t, err)
			ref := reference(t, r.Ref("project/app:1"))
			must(t, remote.Write(ref, img, r.Client(t).Remote(t.Context())...))
			if _, err := remote.Referrers(ref.Context().Digest("sha256:"+strings.Repeat("0", 64)), r.Client(t).Remote(t.Context())...); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCredentialsComeFromTheDockerConfigurationWhereNoneAreGiven(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"auths":{"`+r.Host+`":{"username":"`+r.Username+`","password":"`+r.Password+`"}}}`), 0o600))
	t.Setenv("DOCKER_CONFIG", dir)
	c, err := registry.New(registry.Options{CAFile: r.CAFile})
	must(t, err)
	defer c.Close()
	_, err = remote.Head(reference(t, r.Ref("app:1")), c.Remote(t.Context())...)
	if err := registry.Explain("look", reference(t, r.Ref("app:1")).Context().Registry, err); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v, want the registry to let us in and have no image", err)
	}
}

func TestWhatIsWrongIsSaidInOneLineWithTheRemedy(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	wrong := filepath.Join(t.TempDir(), "wrong")
	must(t, os.WriteFile(wrong, []byte("other-pa55word"), 0o600))
	forbidding := registrytest.New(t, registrytest.Options{Wrap: func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	}})
	misnamed, misnamedCA := serverFor(t, "other.test")

	for what, c := range map[string]struct {
		ref     string
		options registry.Options
		words   []string
	}{
		"an unknown CA":    {r.Ref("app:1"), registry.Options{Username: r.Username, Password: secret.Source{File: r.PasswordFile}}, []string{"unknown authority", "--ca-file"}},
		"another name":     {misnamed + "/app:1", registry.Options{CAFile: misnamedCA}, []string{misnamed, "certificate that does not hold"}},
		"a wrong password": {r.Ref("app:1"), registry.Options{CAFile: r.CAFile, Username: r.Username, Password: secret.Source{File: wrong}}, []string{"refused the credentials (401)", "--registry-username"}},
		"no rights":        {forbidding.Ref("app:1"), forbidding.Options(), []string{"no access (403)"}},
		"nothing there":    {r.Ref("app:1"), r.Options(), []string{"no such image or repository (404)"}},
		"nobody listens":   {"127.0.0.1:1/app:1", registry.Options{}, []string{"refuses connections"}},
		"an unknown name":  {"registry.invalid/app:1", registry.Options{}, []string{"registry.invalid", "cannot be resolved"}},
	} {
		t.Run(what, func(t *testing.T) {
			client, err := registry.New(c.options)
			must(t, err)
			defer client.Close()
			ref := reference(t, c.ref)
			_, err = remote.Get(ref, client.Remote(t.Context())...)
			err = registry.Explain("look", ref.Context().Registry, err)
			if err == nil || fault.KindOf(err) != fault.Failed {
				t.Fatalf("got %v, want a failure", err)
			}
			for _, w := range append(c.words, "look: ") {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("got %q, want it to say %q", err, w)
				}
			}
			if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "pa55word") {
				t.Errorf("got %q", err)
			}
		})
	}
}

func TestPlainHTTPBeyondLoopbackIsRefusedBeforeAnythingIsSent(t *testing.T) {
	redirecting := registrytest.New(t, registrytest.Options{Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/manifests/") {
				http.Redirect(w, r, "http://registry.example.test"+r.URL.Path, http.StatusTemporaryRedirect)
				return
			}
			next.ServeHTTP(w, r)
		})
	}})
	client := redirecting.Client(t)
	for what, call := range map[string]func() error{
		"a redirect": func() error {
			_, err := remote.Get(reference(t, redirecting.Ref("app:1")), client.Remote(t.Context())...)
			return err
		},
		"a private address": func() error { return get(t, client, "http://10.255.255.1:5000/v2/") },
		"a name":            func() error { return get(t, client, "http://registry.example.test/v2/") },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), "does not speak https") {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

func get(t *testing.T, client *registry.Client, url string) error {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	must(t, err)
	resp, err := client.Transport().RoundTrip(r)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func TestATokenServerWithoutTLSGetsNoPassword(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{Anonymous: true, Wrap: func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://tokens.example.test/token",service="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		})
	}})
	password := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(password, []byte("pa55word"), 0o600))
	client, err := registry.New(registry.Options{CAFile: r.CAFile, Username: "robot", Password: secret.Source{File: password}})
	must(t, err)
	defer client.Close()
	_, err = remote.Get(reference(t, r.Ref("app:1")), client.Remote(t.Context())...)
	if err == nil || !strings.Contains(err.Error(), "http") || strings.Contains(err.Error(), "no such host") {
		t.Errorf("got %v, want a refusal before the name is looked up", err)
	}
}

func TestAnInterruptionStaysOne(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ref := reference(t, r.Ref("app:1"))
	_, err := remote.Get(ref, r.Client(t).Remote(ctx)...)
	if err := registry.Explain("look", ref.Context().Registry, err); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestBadOptionsAreInputErrors(t *testing.T) {
	dir := t.TempDir()
	noCA := filepath.Join(dir, "ca")
	must(t, os.WriteFile(noCA, []byte("no certificate"), 0o600))
	for what, c := range map[string]struct {
		o    registry.Options
		want string
	}{
		"a missing CA file":         {registry.Options{CAFile: filepath.Join(dir, "none")}, "CA file"},
		"a CA file without one":     {registry.Options{CAFile: noCA}, "holds no PEM certificate"},
		"a user without a password": {registry.Options{Username: "robot"}, "has no password"},
		"a password without a user": {registry.Options{Password: secret.Source{File: noCA}}, "without a user name"},
		"a missing password file":   {registry.Options{Username: "robot", Password: secret.Source{File: filepath.Join(dir, "none")}}, "no such file"},
	} {
		if _, err := registry.New(c.o); err == nil || fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an input error with %q", what, err, c.want)
		}
	}
}

func TestReferences(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("a", 64)
	for ref, want := range map[string][2]bool{ // as a reference, as one pinned by digest
		"registry.test/project/app:1":    {true, false},
		"registry.test/app" + digest:     {true, true},
		"registry.test/app:1" + digest:   {true, true},
		"registry.test/app":              {false, false},
		"app:1":                          {false, false},
		"":                               {false, false},
		"registry.test/app@sha256:short": {false, false},
		"https://registry.test/app:1":    {false, false},
		"registry.test/UPPER/app:1":      {false, false},
	} {
		_, err := registry.ParseReference(ref)
		_, pinned := registry.ParseDigest(ref)
		if (err == nil) != want[0] || (pinned == nil) != want[1] {
			t.Errorf("%q: got %v; %v", ref, err, pinned)
		}
		if err != nil && fault.KindOf(err) != fault.Input || pinned != nil && fault.KindOf(pinned) != fault.Input {
			t.Errorf("%q: not an input error", ref)
		}
	}
}

// serverFor starts a server whose certificate is for another host.
func serverFor(t *testing.T, host string) (addr, caFile string) {
	t.Helper()
	certs, err := ca.Run(t.Context(), ca.Options{Dir: t.TempDir(), Hosts: []string{host}})
	must(t, err)
	pair, err := tls.LoadX509KeyPair(certs.Cert, certs.Key)
	must(t, err)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), certs.CA
}

func reference(t *testing.T, ref string) name.Reference {
	t.Helper()
	parsed, err := registry.ParseReference(ref)
	must(t, err)
	return parsed
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestALoginIsForTheRegistryThatItIsFor(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	t.Setenv("ONLY_PASSWORD", "pa55word")
	c, err := registry.New(registry.Options{Username: "robot", Password: secret.Source{Env: "ONLY_PASSWORD"}, Only: "harbor.example.com:8443"})
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]string{"harbor.example.com:8443/a": "robot", "harbor.example.com/a": "", "ghcr.io/a": ""} {
		repository, err := name.NewRepository(ref)
		if err != nil {
			t.Fatal(err)
		}
		login, err := c.Keychain().Resolve(repository)
		if err != nil {
			t.Fatal(err)
		}
		if config, err := login.Authorization(); err != nil || config.Username != want {
			t.Errorf("%s: %q, %v", ref, config.Username, err)
		}
	}
}
