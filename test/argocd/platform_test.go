package argocd_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	setup "github.com/pave-platform/pave/golden-path/gitops"
	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/lab"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/chart"
	"github.com/pave-platform/pave/steps/deploy"
	"github.com/pave-platform/pave/steps/image"
)

// platform is a lab with a GitOps repository that its Argo CD follows, and with
// the base chart in its registry. Argo CD looks at Git by itself once an hour:
// what comes sooner was asked for.
type platform struct {
	*lab.Lab
	url     string // of the GitOps repository
	gitops  gittest.Repository
	charts  string // registry/project/charts
	version string // of the base chart
}

// environments are those of project demo: each problem has one to itself.
var environments = []string{"staging", "quota", "strict", "second"}

func start(t *testing.T) *platform {
	t.Helper()
	p := &platform{Lab: lab.Start(t, lab.ArgoCD, lab.Kubelet, lab.Registry, lab.Git, lab.Refresh(time.Hour))}
	repository, err := p.Repository(t.Context(), "gitops")
	must(t, err)
	p.url, p.gitops, p.charts = repository.URL, gittest.Repository{Dir: repository.Dir}, p.Registry+"/platform/charts"
	pushed, err := chart.Push(t.Context(), chart.PushOptions{Repository: p.charts})
	must(t, err)
	p.version = pushed.Version

	for _, e := range environments {
		p.apply(t, fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: demo-%s\n  labels: {managed-by: idp-platform, pod-security.kubernetes.io/enforce: restricted}\n", e))
	}
	// The registry and the Git server of the lab speak plain http, which Argo CD has to be told.
	p.apply(t, fmt.Sprintf(`
apiVersion: v1
kind: Secret
metadata: {name: charts, namespace: argocd, labels: {argocd.argoproj.io/secret-type: repository}}
stringData: {type: helm, name: charts, url: %q, enableOCI: "true", insecureOCIForceHttp: "true"}
`, p.charts))
	_, err = setup.Init(t.Context(), setup.InitOptions{
		Options: setup.Options{
			ChartRepositories: []string{p.charts},
			Projects:          []setup.Project{{Name: "demo", Group: "demo-developers", Environments: environments, Previews: true}},
		},
		Repository: p.repository(),
	})
	must(t, err)
	for _, once := range []string{"platform/appproject-platform.yaml", "platform/platform.yaml"} {
		p.apply(t, p.gitops.File(t, "main", once))
	}
	return p
}

func (p *platform) apply(t *testing.T, document string) {
	t.Helper()
	must(t, p.ApplyYAML(t.Context(), []byte(document)))
}

func (p *platform) repository() gitrepo.Options {
	return gitrepo.Options{URL: p.url, Branch: "main", Author: gitrepo.Author{Name: "pave", Email: "pave@example.com"}}
}

// helloGo builds examples/hello-go and pushes it.
func (p *platform) helloGo(t *testing.T) string {
	t.Helper()
	tarball := filepath.Join(t.TempDir(), "image.tar")
	_, err := image.Build(t.Context(), image.BuildOptions{Source: "../../examples/hello-go", Output: tarball, Port: 8080, Log: p.log(t)})
	must(t, err)
	published, err := image.Publish(t.Context(), image.PublishOptions{Tarball: tarball, Ref: p.Registry + "/demo/hello-go:1", Log: p.log(t)})
	must(t, err)
	return published.Ref
}

// web pushes an image of the lab's web application.
func (p *platform) web(t *testing.T, w lab.Web) string {
	t.Helper()
	built, err := lab.WebImage(t.Context(), w)
	must(t, err)
	ref, err := p.Push(t.Context(), "demo/web:1", built)
	must(t, err)
	return ref
}

// values renders hello-go's platform.yaml for an environment, without what needs
// an ingress controller, and with changes by dotted path.
func (p *platform) values(t *testing.T, environment, app, image string, changes map[string]any) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "values.yaml")
	_, err := chart.Values(t.Context(), chart.ValuesOptions{File: "../../examples/hello-go/platform.yaml", Environment: "staging", Image: image, Output: file})
	must(t, err)
	content, err := os.ReadFile(file)
	must(t, err)
	values := map[string]any{}
	must(t, yaml.Unmarshal(content, &values))
	delete(values, "ingress")
	delete(values, "environment")
	values["name"] = app
	maps.Copy(values, changes)
	content, err = yaml.Marshal(values)
	must(t, err)
	must(t, os.WriteFile(file, content, 0o644))
	return file
}

// options is a deploy that waits.
func (p *platform) options(t *testing.T, environment, app, image string, changes map[string]any) deploy.Options {
	t.Helper()
	return deploy.Options{
		Repository: p.repository(), Project: "demo", Environment: environment, App: app, Image: image,
		Chart:      gitops.Chart{Repository: p.charts, Name: "platform-app", Version: p.version},
		ValuesFile: p.values(t, environment, app, image, changes),
		Wait:       true, Timeout: 3 * time.Minute,
		ArgoCD: argocd.Options{Kubeconfig: secret.Source{File: p.Kubeconfig}, Log: p.log(t)},
	}
}

// log shows what a deploy waits for in the test's own log.
func (p *platform) log(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.String(slog.TimeKey, time.Now().Format("15:04:05.0"))
		}
		return a
	}}))
}

func (p *platform) run(t *testing.T, o deploy.Options) deploy.Result {
	t.Helper()
	r, err := deploy.Run(t.Context(), o)
	must(t, err)
	return r
}

// answers tells what a Service of demo answers at a path.
func (p *platform) answers(t *testing.T, environment, app, path string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	status, body, err := p.HTTP(ctx, "demo-"+environment, app, "http", path)
	must(t, err)
	return fmt.Sprint(status, " ", strings.TrimSpace(string(body)))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
