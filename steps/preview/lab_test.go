package preview_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
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
	"github.com/pave-platform/pave/hack/lab/crds"
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
// makes Argo CD follow the GitOps repository: a project's namespace, a token for the
// forge, and a registry with charts.
const around = `
apiVersion: v1
kind: Namespace
metadata: {name: shop-previews, labels: {managed-by: idp-platform, pave.dev/environment: previews}}
---
apiVersion: v1
kind: Secret
metadata: {name: forge, namespace: argocd, labels: {argocd.argoproj.io/secret-type: scm-creds}}
data: {token: %s}
---
apiVersion: v1
kind: Secret
metadata: {name: charts, namespace: argocd, labels: {argocd.argoproj.io/secret-type: repository}}
stringData: {type: helm, name: charts, url: %s, enableOCI: "true", insecureOCIForceHttp: "true"}
`

// followed are the files of the GitOps repository by which Argo CD follows the rest.
var followed = []string{"appproject-apps", "guard", "guard-binding", "projects/shop", "apps"}

// stage is a lab in which previews of one application per kind of forge are
// enabled. One double shows the same pull requests on all forges.
type stage struct {
	*lab.Lab
	ctx    context.Context
	double *forgetest.Server
	gitops gitrepo.Options
	charts string
}

func onStage(t *testing.T, double forgetest.Options, more ...lab.Option) *stage {
	t.Helper()
	l := lab.Start(t, append(more, lab.ArgoCD, lab.Git, lab.Registry, lab.Refresh(time.Second))...)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	s := &stage{Lab: l, ctx: ctx, double: forgetest.Start(t, double), charts: l.Registry + "/platform/charts"}
	definitions, err := crds.Load(ctx, crds.Traefik, crds.CertManager)
	must(t, err)
	must(t, l.Apply(ctx, definitions...))
	u, err := url.Parse(s.double.URL)
	must(t, err)
	must(t, l.Reach(ctx, u.Host))
	_, err = chart.Push(ctx, chart.PushOptions{Repository: s.charts})
	must(t, err)
	repository, err := l.Repository(ctx, "gitops")
	must(t, err)
	gittest.Repository{Dir: repository.Dir}.Commit(t, "main", "seed", map[string]string{"apps/README.md": "what runs"})
	s.gitops = gitrepo.Options{URL: repository.URL, Branch: "main", Author: gitrepo.Author{Name: "pave", Email: "pave@example.com"}}
	if s.double.CAFile != "" {
		ca, err := os.ReadFile(s.double.CAFile)
		must(t, err)
		o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"ca.crt": string(ca)}}}
		o.SetName("forge-ca")
		o.SetNamespace("argocd")
		must(t, l.Apply(ctx, o))
	}
	must(t, l.ApplyYAML(ctx, fmt.Appendf(nil, around, base64.StdEncoding.EncodeToString([]byte(s.double.Token)), s.charts)))
	files, err := root.Render(root.Options{RepositoryURL: repository.URL, ChartRepositories: []string{s.charts}, Projects: []root.Project{{Name: "shop", Previews: true}}})
	must(t, err)
	for _, name := range followed {
		must(t, l.ApplyYAML(ctx, files["platform/"+name+".yaml"]))
	}
	return s
}

// app is the application whose pull requests are read as kind's.
func app(kind forge.Kind) string { return "on-" + string(kind) }

func (s *stage) enable(t *testing.T, kind forge.Kind) {
	t.Helper()
	content, err := os.ReadFile("testdata/platform.yaml")
	must(t, err)
	s.enableAs(t, kind, string(content), "pull")
}

func (s *stage) enableAs(t *testing.T, kind forge.Kind, contract, pullSecret string) {
	t.Helper()
	o := preview.EnableOptions{Application: application(kind), Repository: s.gitops}
	o.File, o.PullSecret = filepath.Join(t.TempDir(), "platform.yaml"), pullSecret
	must(t, os.WriteFile(o.File, []byte(strings.Replace(contract, "name: web", "name: "+app(kind), 1)), 0o600))
	o.Chart.Repository, o.Refresh = s.charts, 10
	o.Forge = s.double.Forge(kind)
	if s.double.CAFile != "" {
		o.CAConfigMap = "forge-ca"
	}
	_, err := preview.Enable(s.ctx, o)
	must(t, err)
}

// awaitDeployment waits for the Deployment of a preview, at a commit.
func (s *stage) awaitDeployment(t *testing.T, name, commit string) {
	t.Helper()
	must(t, s.Await(s.ctx, "apps/v1", "Deployment", "shop-previews", name, func(o *unstructured.Unstructured) error {
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
func (s *stage) awaitRoute(t *testing.T, name string) {
	t.Helper()
	for {
		route, err := s.objects(routes).Get(s.ctx, name, metav1.GetOptions{})
		if err == nil && strings.Contains(fmt.Sprint(route.Object["spec"]), "Host(`"+name+".previews.example.internal`)") {
			return
		}
		select {
		case <-s.ctx.Done():
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

func (s *stage) objects(kind schema.GroupVersionResource) dynamic.ResourceInterface {
	return s.Dynamic.Resource(kind).Namespace("shop-previews")
}

// awaitGone waits until there is no such object.
func (s *stage) awaitGone(t *testing.T, objects dynamic.ResourceInterface, name string) {
	t.Helper()
	for {
		_, err := objects.Get(s.ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return
		}
		select {
		case <-s.ctx.Done():
			t.Fatalf("%s is still there: %v", name, errors.Join(err, s.ctx.Err()))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func TestARealArgoCDMakesChangesAndRemovesPreviews(t *testing.T) {
	s := onStage(t, forgetest.Options{})
	for _, kind := range forge.Kinds() {
		s.enable(t, kind)
	}
	other := s.double.Open("feature/"+app(forge.GitHub), evil)
	mistaken := s.double.Open("xpreview/"+app(forge.GitHub)+"/x", evil)
	for _, kind := range forge.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			branch := "preview/" + app(kind) + "/{{fail}}"
			number := s.double.Open(branch, evil)
			name := gitops.PreviewName(app(kind), fmt.Sprint(number))
			commit := func() string { // as this forge gives it
				if kind == forge.BitbucketCloud {
					return s.double.Head(branch)[:12]
				}
				return s.double.Head(branch)
			}
			s.awaitDeployment(t, name, commit())
			s.awaitRoute(t, name)
			s.double.Push(branch)
			s.awaitDeployment(t, name, commit())
			s.stateIs(t, kind, number, preview.Progressing) // there is no node that it could run on
			s.double.Decline(number)
			application := "shop.previews." + app(kind) + fmt.Sprintf("-pr-%d", number)
			s.awaitGone(t, s.Dynamic.Resource(applications).Namespace("argocd"), application)
			for _, kind := range []schema.GroupVersionResource{deployments, services, accounts, policies, routes, certificates} {
				s.awaitGone(t, s.objects(kind), name)
			}
		})
	}
	for _, number := range []int{other, mistaken} {
		for _, kind := range forge.Kinds() {
			if _, err := s.objects(deployments).Get(s.ctx, gitops.PreviewName(app(kind), fmt.Sprint(number)), metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				t.Errorf("pull request %d, whose branch does not match, has a preview: %v", number, err)
			}
		}
	}
}

func (s *stage) stateIs(t *testing.T, kind forge.Kind, number int, want preview.State) {
	t.Helper()
	for {
		l, err := preview.Run(s.ctx, preview.ListOptions{
			Of:      preview.Of{Project: "shop", App: app(kind), Domain: "previews.example.internal", Forge: s.double.Forge(kind)},
			Cluster: &argocd.Options{Kubeconfig: secret.Source{File: s.Kubeconfig}},
		})
		must(t, err)
		if len(l.Previews) == 1 && l.Previews[0].Number == number && l.Previews[0].State == want {
			return
		}
		select {
		case <-s.ctx.Done():
			t.Fatalf("the list says %+v", l)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// The forge here has a certificate of a private CA, and wants a password.
func TestWithARealArgoCDAnExpiredPreviewGoesAndComesBack(t *testing.T) {
	s := onStage(t, forgetest.Options{TLS: true, Username: "ci"})
	kind := forge.BitbucketDataCenter
	s.enable(t, kind)
	branch := "preview/" + app(kind) + "/x"
	number := s.double.Open(branch, "x")
	name := gitops.PreviewName(app(kind), fmt.Sprint(number))
	s.awaitDeployment(t, name, s.double.Head(branch))
	s.double.Updated(number, time.Now().Add(-100*time.Hour))
	prune := preview.PruneOptions{
		Of:     preview.Of{Project: "shop", App: app(kind), Forge: s.double.Forge(kind)},
		MaxAge: 72 * time.Hour, Repository: s.gitops,
	}
	for _, expired := range []bool{true, false} {
		p, err := preview.Prune(s.ctx, prune)
		if err != nil || len(p.Expired) == 1 != expired {
			t.Fatalf("%+v, %v", p, err)
		}
		if expired {
			s.awaitGone(t, s.objects(deployments), name)
			s.double.Push(branch)
			continue
		}
		s.awaitDeployment(t, name, s.double.Head(branch))
	}
	_, err := preview.Disable(s.ctx, preview.DisableOptions{Project: "shop", App: app(kind), Repository: s.gitops})
	must(t, err)
	s.awaitGone(t, s.Dynamic.Resource(applicationSets).Namespace("argocd"), "shop.previews."+app(kind))
	s.awaitGone(t, s.objects(deployments), name)
}
