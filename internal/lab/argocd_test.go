package lab_test

import (
	"context"
	"fmt"
	"testing"
	"time"

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
