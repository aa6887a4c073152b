package lab_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/lab"
)

const settings = `
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  colour: %s
`

const other = `
apiVersion: v1
kind: ConfigMap
metadata:
  name: others
data:
  colour: %s
`

func application(name, repository string) []byte {
	return fmt.Appendf(nil, `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: %s
  namespace: argocd
  finalizers: [resources-finalizer.argocd.argoproj.io]
spec:
  project: default
  destination: {server: https://kubernetes.default.svc, namespace: %[1]s}
  source: {repoURL: %q, targetRevision: main, path: app}
  syncPolicy:
    automated: {prune: true, selfHeal: true}
    syncOptions: [CreateNamespace=true]
`, name, repository)
}

func TestArgoCDFollowsAGitRepository(t *testing.T) {
	l := lab.Start(t, lab.ArgoCD, lab.Git)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	repository, err := l.Repository(ctx, "gitops")
	must(t, err)
	git := gittest.Repository{Dir: repository.Dir}
	for _, colour := range []string{"red", "green"} {
		commit := git.Commit(t, "main", colour, map[string]string{"app/settings.yaml": fmt.Sprintf(settings, colour)})
		must(t, l.ApplyYAML(ctx, application("shop", repository.URL)))
		must(t, l.AwaitHealthy(ctx, "argocd", "shop", commit))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const directories = `
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: all, namespace: argocd}
spec:
  goTemplate: true
  generators: [{git: {repoURL: %[1]q, revision: main, directories: [{path: apps/*}], requeueAfterSeconds: 2}}]
  template:
    metadata: {name: "{{.path.basename}}"}
    spec:
      project: default
      destination: {server: https://kubernetes.default.svc, namespace: default}
      source: {repoURL: %[1]q, targetRevision: main, path: "{{.path.path}}"}
      syncPolicy: {automated: {prune: true, selfHeal: true}}
`

func TestAnApplicationSetFollowsAndArgoCDComesBack(t *testing.T) {
	l := lab.Start(t, lab.ArgoCD, lab.Git, lab.Refresh(2*time.Second))
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	repository, err := l.Repository(ctx, "gitops", "main")
	must(t, err)
	git := gittest.Repository{Dir: repository.Dir}
	first := git.Commit(t, "main", "one", map[string]string{"apps/one/settings.yaml": fmt.Sprintf(settings, "red")})
	must(t, l.ApplyYAML(ctx, fmt.Appendf(nil, directories, repository.URL)))
	must(t, l.AwaitHealthy(ctx, "argocd", "one", first))

	const controller = "argocd-application-controller"
	must(t, l.Stop(ctx, controller))
	second := git.Commit(t, "main", "two", map[string]string{"apps/two/settings.yaml": fmt.Sprintf(other, "green")})
	must(t, l.Await(ctx, "argoproj.io/v1alpha1", "Application", "argocd", "two", func(*unstructured.Unstructured) error { return nil }))
	must(t, l.Resume(ctx, controller))
	must(t, l.AwaitHealthy(ctx, "argocd", "two", second))
}

const credentials = `
apiVersion: v1
kind: Secret
metadata:
  name: gitops
  namespace: argocd
  labels: {argocd.argoproj.io/secret-type: repository}
stringData: {type: git, url: %q, username: robot, password: %q}
`

func TestArgoCDFollowsARepositoryOfATestWithItsCAAndToken(t *testing.T) {
	git := gittest.Start(t, gittest.Options{TLS: true, Auth: true})
	l := lab.Start(t, lab.ArgoCD)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	at, err := url.Parse(git.URL)
	must(t, err)
	must(t, l.Reach(ctx, at.Host))
	must(t, l.Trust(ctx, at.Host, git.CAFile))
	must(t, l.ApplyYAML(ctx, fmt.Appendf(nil, credentials, git.URL, git.Token)))
	commit := git.Commit(t, "main", "settings", map[string]string{"app/settings.yaml": fmt.Sprintf(settings, "red")})
	must(t, l.ApplyYAML(ctx, application("shop", git.URL)))
	must(t, l.AwaitHealthy(ctx, "argocd", "shop", commit))
}
