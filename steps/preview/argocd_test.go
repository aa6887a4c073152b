package preview_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/forgetest"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/lab"
	"github.com/pave-platform/pave/steps/preview"
)

func TestWithARealArgoCD(t *testing.T) {
	p := newPlatform(t)
	t.Run("previews of each forge are made, changed and removed", p.madeChangedRemoved)
	t.Run("an expired preview goes and comes back", p.expired)
	t.Run("a preview answers with its commit", p.answering)
}

func (p *platform) madeChangedRemoved(t *testing.T) {
	m := p.team(t, "many", forgetest.Options{})
	contract, err := os.ReadFile("testdata/platform.yaml")
	must(t, err)
	for _, kind := range forge.Kinds() {
		m.enable(t, kind, string(contract), "pull")
	}
	other := m.double.Open("feature/"+m.app(forge.GitHub), evil)
	mistaken := m.double.Open("xpreview/"+m.app(forge.GitHub)+"/x", evil)
	t.Run("on", m.eachForge)
	for _, number := range []int{other, mistaken} {
		for _, kind := range forge.Kinds() {
			name := gitops.PreviewName(m.app(kind), fmt.Sprint(number))
			if _, err := p.objects(deployments).Get(p.ctx, name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				t.Errorf("pull request %d, whose branch does not match, has a preview: %v", number, err)
			}
		}
	}
}

// eachForge opens, changes and closes a pull request.
func (m *team) eachForge(t *testing.T) {
	p := m.platform
	for _, kind := range forge.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel() // most of it is waiting for Argo CD to look
			branch, number, name := m.open(kind, "{{fail}}", evil)
			commit := func() string { // as this forge gives it
				if kind == forge.BitbucketCloud {
					return m.double.Head(branch)[:12]
				}
				return m.double.Head(branch)
			}
			p.awaitDeployment(t, name, commit())
			p.awaitRoute(t, name)
			m.double.Push(branch)
			p.awaitDeployment(t, name, commit())
			m.awaitState(t, kind, number, preview.Progressing) // nobody has published the image
			m.double.Decline(number)
			p.awaitGone(t, p.Dynamic.Resource(applications).Namespace("argocd"), "shop.previews."+m.app(kind)+fmt.Sprintf("-pr-%d", number))
			for _, kind := range []schema.GroupVersionResource{deployments, services, accounts, policies, routes, certificates} {
				p.awaitGone(t, p.objects(kind), name)
			}
		})
	}
}

// expired is on a forge with a certificate of a private CA, which wants a password.
func (p *platform) expired(t *testing.T) {
	kind := forge.BitbucketDataCenter
	m := p.team(t, "old", forgetest.Options{TLS: true, Username: "ci"})
	contract, err := os.ReadFile("testdata/platform.yaml")
	must(t, err)
	m.enable(t, kind, string(contract), "pull")
	branch, number, name := m.open(kind, "x", "x")
	p.awaitDeployment(t, name, m.double.Head(branch))
	m.double.Updated(number, time.Now().Add(-100*time.Hour))
	prune := preview.PruneOptions{
		Of:     preview.Of{Project: "shop", App: m.app(kind), Forge: m.double.Forge(kind)},
		MaxAge: 72 * time.Hour, Repository: p.gitops,
	}
	for _, expired := range []bool{true, false} {
		r, err := preview.Prune(p.ctx, prune)
		if err != nil || len(r.Expired) == 1 != expired {
			t.Fatalf("%+v, %v", r, err)
		}
		if expired {
			p.awaitGone(t, p.objects(deployments), name)
			m.double.Push(branch)
			continue
		}
		p.awaitDeployment(t, name, m.double.Head(branch))
	}
	_, err = preview.Disable(p.ctx, preview.DisableOptions{Project: "shop", App: m.app(kind), Repository: p.gitops})
	must(t, err)
	p.awaitGone(t, p.Dynamic.Resource(applicationSets).Namespace("argocd"), "shop.previews."+m.app(kind))
	p.awaitGone(t, p.objects(deployments), name)
}

// answering is on a real node, with an image under what Bitbucket Cloud calls a
// commit. The secret and the volume that the application has elsewhere are not there.
func (p *platform) answering(t *testing.T) {
	kind := forge.BitbucketCloud
	m := p.team(t, "new", forgetest.Options{})
	publish := func(commit, text string) {
		image, err := lab.WebImage(p.ctx, lab.Web{Text: text})
		must(t, err)
		_, err = p.Push(p.ctx, "shop/web:"+commit[:12], image)
		must(t, err)
	}
	m.enable(t, kind, strings.Replace(`apiVersion: pave/v1
kind: Application
metadata: {name: web, team: checkout, project: shop}
spec:
  image: {repository: REGISTRY/shop/web}
  ingress: {host: web.apps.example.internal}
  secrets: [{name: shop-env}]
  storage: [{name: data, mountPath: /data, size: 1Gi}]
  probes: {readiness: {path: /readyz}}
`, "REGISTRY", p.Registry, 1), "")
	publish(m.double.Push("preview/"+m.app(kind)+"/x"), "one")
	branch, number, name := m.open(kind, "x", "x")
	m.awaitState(t, kind, number, preview.Ready)
	p.awaitAnswer(t, name, "one")
	publish(m.double.Push(branch), "two")
	p.awaitAnswer(t, name, "two")
	m.awaitState(t, kind, number, preview.Ready)
	m.double.Merge(number)
	p.awaitGone(t, p.objects(deployments), name)
}
