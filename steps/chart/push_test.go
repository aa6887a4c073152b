package chart_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"helm.sh/helm/v3/pkg/chart/loader"
	helmregistry "helm.sh/helm/v3/pkg/registry"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/chart"
)

var registries = map[string]func(testing.TB, registrytest.Options) *registrytest.Registry{
	"pave": registrytest.New, "distribution": registrytest.Distribution,
}

func TestHelmPullsWhatWasPushed(t *testing.T) {
	for kind, start := range registries {
		t.Run(kind, func(t *testing.T) {
			r := start(t, registrytest.Options{})
			o := chart.PushOptions{Chart: tiny, Repository: r.Ref("platform/charts"), Registry: r.Options()}
			first := push(t, o)
			want := chart.PushResult{
				Ref:  r.Ref("platform/charts/tiny@") + first.Digest,
				Name: "tiny", Version: "1.2.3+build.4", Digest: first.Digest, Pushed: true,
			}
			if diff := cmp.Diff(want, first); diff != "" {
				t.Error(diff)
			}
			pulled, err := helmClient(t, r).Pull(r.Ref("platform/charts/tiny:1.2.3+build.4"))
			if err != nil {
				t.Fatal(err)
			}
			if pulled.Manifest.Digest != first.Digest {
				t.Errorf("Helm pulled %s, pushed was %s", pulled.Manifest.Digest, first.Digest)
			}
			if pulled.Chart.Meta.Name != "tiny" || pulled.Chart.Meta.Home != "https://tiny.example.com" {
				t.Errorf("metadata is lost: %+v", pulled.Chart.Meta)
			}
			c, err := loader.LoadArchive(strings.NewReader(string(pulled.Chart.Data)))
			if err != nil {
				t.Fatal(err)
			}
			if len(c.Templates) != 1 || c.Values["greeting"] != "hello" {
				t.Errorf("the chart has lost something: %v", c.Values)
			}
		})
	}
}

func TestPushingAgainChangesNothing(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	o := chart.PushOptions{Repository: "oci://" + r.Ref("platform/charts/"), Registry: r.Options()}
	first := push(t, o)
	if second := push(t, o); second.Pushed || second.Digest != first.Digest || second.Ref != first.Ref {
		t.Errorf("got %+v after %+v", second, first)
	}
}

func TestAPublishedVersionIsNeverOverwritten(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	o := chart.PushOptions{Chart: copyOf(t), Repository: r.Ref("platform/charts"), Registry: r.Options()}
	first := push(t, o)
	write(t, filepath.Join(o.Chart, "values.yaml"), "greeting: goodbye\n")
	_, err := chart.Push(t.Context(), o)
	if err == nil || fault.KindOf(err) != fault.Input ||
		!strings.HasPrefix(err.Error(), r.Ref("platform/charts/tiny:1.2.3_build.4")+" is there already with other content ("+first.Digest) ||
		!strings.HasSuffix(err.Error(), "; bump the version in Chart.yaml: a published version never changes") {
		t.Errorf("got %v", err)
	}
	if got := tagged(t, r, "platform/charts/tiny:1.2.3_build.4"); got != first.Digest {
		t.Errorf("the tag moved from %s to %s", first.Digest, got)
	}
}

func TestADryRunWritesNothing(t *testing.T) {
	writes := 0
	r := registrytest.New(t, registrytest.Options{Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Method != http.MethodGet && req.Method != http.MethodHead {
				writes++
			}
			next.ServeHTTP(w, req)
		})
	}})
	got := push(t, chart.PushOptions{Repository: r.Ref("platform/charts"), Registry: r.Options(), DryRun: true})
	if got.Pushed || !got.DryRun || got.Digest == "" || writes > 0 {
		t.Errorf("got %+v and %d writes", got, writes)
	}
}

func TestPushErrorsNameTheRemedy(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	wrong := filepath.Join(t.TempDir(), "password")
	write(t, wrong, "wr0ng")
	gone := registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true})
	for name, c := range map[string]struct {
		options chart.PushOptions
		kind    fault.Kind
		want    string
	}{
		"a wrong password": {
			chart.PushOptions{Repository: r.Ref("p/charts"), Registry: registry.Options{CAFile: r.CAFile, Username: r.Username, Password: secret.Source{File: wrong}}},
			fault.Failed, "refused the credentials (401); check --registry-username and the password",
		},
		"an unknown CA": {
			chart.PushOptions{Repository: r.Ref("p/charts"), Registry: registry.Options{Username: r.Username, Password: secret.Source{File: r.PasswordFile}}},
			fault.Failed, "shows a certificate by an unknown authority; give the platform's root CA with --ca-file",
		},
		"a registry that is not there": {
			chart.PushOptions{Repository: "127.0.0.1:1/p/charts", Registry: gone.Options()},
			fault.Failed, "127.0.0.1:1 refuses connections; check the address and that the registry runs",
		},
		"a repository that is none": {
			chart.PushOptions{Repository: "Charts!"},
			fault.Input, "; write it as registry/project/charts",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := chart.Push(t.Context(), c.options)
			if err == nil || !strings.Contains(err.Error(), c.want) || fault.KindOf(err) != c.kind {
				t.Errorf("got %v, want kind %d and …%s", err, c.kind, c.want)
			}
		})
	}
}

func push(t *testing.T, o chart.PushOptions) chart.PushResult {
	t.Helper()
	r, err := chart.Push(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tagged(t *testing.T, r *registrytest.Registry, ref string) string {
	t.Helper()
	tag, err := name.ParseReference(r.Ref(ref))
	if err != nil {
		t.Fatal(err)
	}
	d, err := remote.Head(tag, r.Client(t).Remote(t.Context())...)
	if err != nil {
		t.Fatal(err)
	}
	return d.Digest.String()
}

// helmClient is Helm's own registry client, logged in to r.
func helmClient(t *testing.T, r *registrytest.Registry) *helmregistry.Client {
	t.Helper()
	config, err := registry.TLSConfig(r.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	c, err := helmregistry.NewClient(
		helmregistry.ClientOptHTTPClient(&http.Client{Transport: transport(t, config)}),
		helmregistry.ClientOptBasicAuth(r.Username, r.Password),
		helmregistry.ClientOptCredentialsFile(filepath.Join(t.TempDir(), "credentials.json")),
		helmregistry.ClientOptWriter(io.Discard),
	)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func transport(t *testing.T, config *tls.Config) *http.Transport {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: config}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}
