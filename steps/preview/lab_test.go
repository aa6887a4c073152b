package preview_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	root "github.com/pave-platform/pave/golden-path/gitops"
	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/forgetest"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/lab"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/chart"
	"github.com/pave-platform/pave/steps/preview"
)

// around is what the platform's team makes before there are previews, besides what
// makes Argo CD follow the GitOps repository: a project's namespace, and a registry
// with charts.
const around = `
apiVersion: v1
kind: Namespace
metadata: {name: shop-previews, labels: {managed-by: idp-platform, pave.dev/environment: previews}}
---
apiVersion: v1
kind: Secret
metadata: {name: charts, namespace: argocd, labels: {argocd.argoproj.io/secret-type: repository}}
stringData: {type: helm, name: charts, url: %s, enableOCI: "true", insecureOCIForceHttp: "true"}
`

// followed are the files of the GitOps repository by which Argo CD follows the rest.
var followed = []string{"appproject-apps", "guard", "guard-binding", "projects/shop", "apps"}

// platform is a lab whose Argo CD follows a GitOps repository, with a node.
type platform struct {
	*lab.Lab
	ctx    context.Context
	gitops gitrepo.Options
	charts string
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	l := lab.Start(t, lab.ArgoCD, lab.Kubelet, lab.CertManager, lab.Traefik, lab.Git, lab.Registry, lab.Refresh(time.Second))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	t.Cleanup(cancel)
	p := &platform{Lab: l, ctx: ctx, charts: l.Registry + "/platform/charts"}
	_, err := chart.Push(ctx, chart.PushOptions{Repository: p.charts})
	must(t, err)
	repository, err := l.Repository(ctx, "gitops")
	must(t, err)
	gittest.Repository{Dir: repository.Dir}.Commit(t, "main", "seed", map[string]string{"apps/README.md": "what runs"})
	p.gitops = gitrepo.Options{URL: repository.URL, Branch: "main", Author: gitrepo.Author{Name: "pave", Email: "pave@example.com"}}
	must(t, l.ApplyYAML(ctx, fmt.Appendf(nil, around, p.charts)))
	files, err := root.Render(root.Options{RepositoryURL: repository.URL, ChartRepositories: []string{p.charts}, Projects: []root.Project{{Name: "shop", Previews: true}}})
	must(t, err)
	for _, name := range followed {
		must(t, l.ApplyYAML(ctx, files["platform/"+name+".yaml"]))
	}
	return p
}

// team has a forge of its own, whose pull requests one application per kind of forge
// reads: the double shows the same on all of them.
type team struct {
	*platform
	name   string
	double *forgetest.Server
}

// known is what Argo CD knows of a team's forge.
const known = `
apiVersion: v1
kind: Secret
metadata: {name: %[1]s, namespace: argocd, labels: {argocd.argoproj.io/secret-type: scm-creds}}
stringData: {token: %[2]q}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: %[1]s, namespace: argocd}
data: {ca.crt: %[3]q}
`

func (p *platform) team(t *testing.T, name string, o forgetest.Options) *team {
	t.Helper()
	m := &team{platform: p, name: name, double: forgetest.Start(t, o)}
	u, err := url.Parse(m.double.URL)
	must(t, err)
	must(t, p.Reach(p.ctx, u.Host))
	var ca []byte
	if m.double.CAFile != "" {
		ca, err = os.ReadFile(m.double.CAFile)
		must(t, err)
	}
	must(t, p.ApplyYAML(p.ctx, fmt.Appendf(nil, known, name, m.double.Token, string(ca))))
	return m
}

// app is the application whose pull requests are read as kind's.
func (m *team) app(kind forge.Kind) string { return m.name + "-on-" + string(kind) }

// enable enables the previews of a contract's application, under another name.
func (m *team) enable(t *testing.T, kind forge.Kind, contract, pullSecret string) {
	t.Helper()
	o := preview.EnableOptions{Application: application(kind), Repository: m.gitops}
	o.File, o.PullSecret, o.Secret = filepath.Join(t.TempDir(), "platform.yaml"), pullSecret, m.name
	must(t, os.WriteFile(o.File, []byte(strings.Replace(contract, "name: web", "name: "+m.app(kind), 1)), 0o600))
	o.Chart.Repository, o.Refresh = m.charts, 10
	o.Forge = m.double.Forge(kind)
	if m.double.CAFile != "" {
		o.CAConfigMap = m.name
	}
	_, err := preview.Enable(m.ctx, o)
	must(t, err)
}

// open opens a pull request for a preview, and gives its number and what its preview
// is called.
func (m *team) open(kind forge.Kind, text, title string) (branch string, number int, name string) {
	branch = "preview/" + m.app(kind) + "/" + text
	number = m.double.Open(branch, title)
	return branch, number, gitops.PreviewName(m.app(kind), fmt.Sprint(number))
}

// awaitDeployment waits for the Deployment of a preview, at a commit.
func (p *platform) awaitDeployment(t *testing.T, name, commit string) {
	t.Helper()
	must(t, p.Await(p.ctx, "apps/v1", "Deployment", "shop-previews", name, func(o *unstructured.Unstructured) error {
		containers, _, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
		container, _ := containers[0].(map[string]any)
		replicas, _, _ := unstructured.NestedInt64(o.Object, "spec", "replicas")
		pull, _, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "imagePullSecrets")
		if want := "registry.example.internal/shop/web:" + commit; container["image"] != want || replicas != 1 || len(pull) != 1 {
			return fmt.Errorf("it has %v, %d times, with %v, and not %s", container["image"], replicas, pull, want)
		}
		return nil
	}))
}

// awaitRoute waits until the preview answers at its own address.
func (p *platform) awaitRoute(t *testing.T, name string) {
	t.Helper()
	for {
		route, err := p.objects(routes).Get(p.ctx, name, metav1.GetOptions{})
		if err == nil && strings.Contains(fmt.Sprint(route.Object["spec"]), "Host(`"+name+".previews.example.internal`)") {
			return
		}
		select {
		case <-p.ctx.Done():
			t.Fatalf("%v, %v", route, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// The kinds that a preview has.
var (
	deployments  = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	services     = schema.GroupVersionResource{Version: "v1", Resource: "services"}
	accounts     = schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}
	policies     = schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"}
	routes       = schema.GroupVersionResource{Group: "traefik.io", Version: "v1alpha1", Resource: "ingressroutes"}
	certificates = schema.GroupVersionResource{Group: "cert-manager.io", Version: "v1", Resource: "certificates"}
)

func (p *platform) objects(kind schema.GroupVersionResource) dynamic.ResourceInterface {
	return p.Dynamic.Resource(kind).Namespace("shop-previews")
}

// awaitGone waits until there is no such object.
func (p *platform) awaitGone(t *testing.T, objects dynamic.ResourceInterface, name string) {
	t.Helper()
	for {
		_, err := objects.Get(p.ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return
		}
		select {
		case <-p.ctx.Done():
			t.Fatalf("%s is still there: %v", name, errors.Join(err, p.ctx.Err()))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// awaitState waits until the list says how far the preview is.
func (m *team) awaitState(t *testing.T, kind forge.Kind, number int, want preview.State) {
	t.Helper()
	for {
		l, err := preview.Run(m.ctx, preview.ListOptions{
			Of:      preview.Of{Project: "shop", App: m.app(kind), Domain: "previews.example.internal", Forge: m.double.Forge(kind)},
			Cluster: &argocd.Options{Kubeconfig: secret.Source{File: m.Kubeconfig}},
		})
		must(t, err)
		if len(l.Previews) == 1 && l.Previews[0].Number == number && l.Previews[0].State == want {
			return
		}
		select {
		case <-m.ctx.Done():
			t.Fatalf("the list says %+v", l)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// awaitAnswer waits until the preview's Service answers text.
func (p *platform) awaitAnswer(t *testing.T, service, text string) {
	t.Helper()
	for {
		status, body, err := p.HTTP(p.ctx, "shop-previews", service, "http", "/")
		if err == nil && status == http.StatusOK && string(body) == text {
			return
		}
		select {
		case <-p.ctx.Done():
			t.Fatal(errors.Join(fmt.Errorf("it answers %d %q, not %q", status, body, text), err, p.ctx.Err()))
		case <-time.After(200 * time.Millisecond):
		}
	}
}
