package deploy_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pave-platform/pave/hack/lab/kubernetes"
	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/killtest"
	lab "github.com/pave-platform/pave/internal/lab/argocd"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/deploy"
)

// kubeconfig names a server that has no certificate to verify, with a token that
// must appear nowhere.
func kubeconfig(t *testing.T, server string) secret.Source {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	content := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: lab, contexts: [{name: lab, context: {cluster: lab, user: bot}}],
clusters: [{name: lab, cluster: {server: %q}}], users: [{name: bot, user: {token: %s}}]}`, server, canary)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return secret.Source{File: file}
}

const canary = "canary-of-a-kubeconfig"

func TestADeployWhoseClusterIsNotThereChangesNothing(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	for name, c := range map[string]struct {
		spoil func(*deploy.Options)
		kind  fault.Kind
		want  string
	}{
		"a server that does not answer": {func(o *deploy.Options) { o.ArgoCD.Kubeconfig = kubeconfig(t, "http://127.0.0.1:1") }, fault.Failed, "does not answer"},
		"no kubeconfig":                 {func(*deploy.Options) {}, fault.Input, "--kubeconfig-file"},
		"a timeout below nothing":       {func(o *deploy.Options) { o.Timeout = -time.Second }, fault.Input, "timeout -1s"},
		"a repository and a cluster":    {func(o *deploy.Options) { o.Apply = true }, fault.Input, "give --repository or --apply"},
	} {
		t.Run(name, func(t *testing.T) {
			s := gittest.Start(t, gittest.Options{})
			o := options(t, s)
			o.Wait = true
			c.spoil(&o)
			_, err := deploy.Run(t.Context(), o)
			if fault.KindOf(err) != c.kind || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if s.Pushes() != 0 {
				t.Error("something was pushed")
			}
			gittest.NoSecret(t, fmt.Sprint(err), canary)
		})
	}
}

// TestADeployThatIsKilledWhileItAsksTheClusterPushedNothing kills it at the first
// request to the API server.
func TestADeployThatIsKilledWhileItAsksTheClusterPushedNothing(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	o := options(t, s)
	o.Wait = true
	var kill func()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		kill()
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	o.ArgoCD.Kubeconfig = kubeconfig(t, server.URL)
	killtest.Kill(t, o, func(k func()) { kill = k })
	if s.Pushes() != 0 {
		t.Error("something was pushed")
	}
	o.Wait = false
	if r := run(t, o); !r.Changed || s.Commits(t, "main") != 1 {
		t.Errorf("afterwards: %+v", r)
	}
}

// TestWait waits on a real API server on which no Argo CD acts; what a real one
// does is in test/argocd.
func TestWait(t *testing.T) {
	cluster := kubernetes.Start(t)
	definitions, err := lab.Definitions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cluster.Install(t, definitions)
	cluster.Namespace(t, "argocd", nil)
	ready := func(t *testing.T, s *gittest.Server) deploy.Options {
		o := options(t, s)
		o.Wait, o.Timeout, o.ArgoCD.Kubeconfig = true, 300*time.Millisecond, secret.Source{File: cluster.Kubeconfig}
		return o
	}
	t.Run("at the timeout the deploy is done, and its result says what is missing", func(t *testing.T) {
		s := gittest.Start(t, gittest.Options{})
		r, err := deploy.Run(t.Context(), ready(t, s))
		if fault.KindOf(err) != fault.Failed || !errors.As(err, new(*argocd.Failure)) || !strings.Contains(err.Error(), "still waiting for Argo CD to make the Application from Git after 300ms") {
			t.Errorf("got %v", err)
		}
		if r.Commit != s.Head(t, "main") || r.WaitedSeconds <= 0 || len(r.Problems) != 1 || r.Problems[0].Reason != argocd.NotGenerated {
			t.Errorf("%+v", r)
		}
		var summary bytes.Buffer
		r.Summary(&summary)
		if !strings.Contains(summary.String(), "problem   ApplicationSet apps: ") {
			t.Errorf("the summary:\n%s", &summary)
		}
	})
	t.Run("a release that another deploy took the place of is said", func(t *testing.T) {
		s := gittest.Start(t, gittest.Options{})
		other := options(t, s)
		other.Image = image(2)
		o := ready(t, s)
		s.AfterPush(func() {
			if _, err := deploy.Run(t.Context(), other); err != nil {
				t.Error(err)
			}
		})
		_, err := deploy.Run(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), "replaced before it was seen Healthy: "+path+" has another release now") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a dry run waits for nothing, and asks no cluster", func(t *testing.T) {
		o := ready(t, gittest.Start(t, gittest.Options{}))
		o.DryRun, o.ArgoCD = true, argocd.Options{}
		if r := run(t, o); !r.Changed || r.WaitedSeconds != 0 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("applied, it needs no repository", func(t *testing.T) {
		o := ready(t, &gittest.Server{})
		o.Apply, o.Wait, o.Repository.URL = true, false, ""
		dry := o
		dry.DryRun = true
		if r := run(t, dry); !r.Changed || !strings.Contains(r.Diff, "+++ b/argocd/shop-staging-web") {
			t.Errorf("a dry run: %+v", r)
		}
		if first, second := run(t, o), run(t, o); !first.Changed || !first.Applied || second.Changed {
			t.Errorf("%+v, then %+v", first, second)
		}
	})
}
