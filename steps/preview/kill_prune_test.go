package preview_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/forgetest"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/killtest"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/preview"
)

// killedPrunes kills the process at each of its requests, to the forge, to Git and to
// the cluster, and lets another finish.
func killedPrunes(t *testing.T, w *world) {
	cluster := w.watched(t)
	prepare := func(t *testing.T) (*forgetest.Server, *gittest.Server, errand) {
		s, g := forgetest.Start(t, forgetest.Options{}), gittest.Start(t, gittest.Options{})
		commit := s.Push("preview/web/1")
		for i := range 4 {
			s.Open(fmt.Sprintf("preview/web/%d", i+1), "x")
		}
		enabled(t, enable(t, g, forge.GitHub))
		for i := range 4 {
			w.make(t, i+1, commit, nil)
		}
		s.Merge(2)
		s.Decline(3)
		s.Updated(4, time.Now().Add(-48*time.Hour))
		return s, g, errand{Prune: &preview.PruneOptions{Of: of(s, forge.GitHub), Cluster: cluster.options(), MaxAge: 24 * time.Hour, Repository: repository(g)}}
	}
	s, g, e := prepare(t)
	if changed, err := e.run(t.Context()); err != nil || !changed {
		t.Fatalf("%t, %v", changed, err)
	}
	requests, calls := len(s.Requests()), cluster.requests()
	finished := func(t *testing.T, s *forgetest.Server, g *gittest.Server) {
		t.Helper()
		if diff := cmp.Diff([]string{"shop.previews.web-pr-1", "shop.previews.web-pr-4"}, w.left(t)); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
		if n, file := g.Commits(t, "main"), g.File(t, "main", path); n != 2 || !strings.Contains(file, `- "4"`) {
			t.Errorf("%d commits\n%s", n, file)
		}
		w.letGo(t)
		must(t, w.applications.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}))
		w.letGo(t)
	}
	finished(t, s, g)
	kills := map[string]func(s *forgetest.Server, g *gittest.Server, kill func()){
		"before the push": func(_ *forgetest.Server, g *gittest.Server, kill func()) {
			g.BeforePush(kill)
			g.Fail(gittest.CutBefore)
		},
		"after the push": func(_ *forgetest.Server, g *gittest.Server, kill func()) { g.AfterPush(kill) },
	}
	for n := range requests {
		kills[fmt.Sprintf("at request %d to the forge", n+1)] = func(s *forgetest.Server, _ *gittest.Server, kill func()) { s.Before(n+1, kill) }
	}
	for n := range calls {
		kills[fmt.Sprintf("before request %d to the cluster", n+1)] = func(_ *forgetest.Server, _ *gittest.Server, kill func()) { cluster.at(n+1, kill, nil) }
		kills[fmt.Sprintf("after request %d to the cluster", n+1)] = func(_ *forgetest.Server, _ *gittest.Server, kill func()) { cluster.at(n+1, nil, kill) }
	}
	for name, kill := range kills {
		t.Run(name, func(t *testing.T) {
			s, g, e := prepare(t)
			killtest.Kill(t, e, func(stop func()) { kill(s, g, stop) })
			if _, err := e.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			finished(t, s, g)
		})
	}
}

// watched is the API server behind something that counts the requests, and does
// what a test wants before or after one of them.
type watched struct {
	kubeconfig string

	mu            sync.Mutex
	count, target int
	before, after func()
}

func (w *world) watched(t *testing.T) *watched {
	t.Helper()
	server, err := url.Parse(w.Config.Host)
	must(t, err)
	transport, err := rest.TransportFor(w.Config)
	must(t, err)
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(server) }}
	p := &watched{kubeconfig: filepath.Join(t.TempDir(), "kubeconfig")}
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		before, after := p.next()
		before()
		answer := httptest.NewRecorder()
		proxy.ServeHTTP(answer, r.WithContext(t.Context()))
		after()
		for key, values := range answer.Header() {
			rw.Header()[key] = values
		}
		rw.WriteHeader(answer.Code)
		_, _ = rw.Write(answer.Body.Bytes())
	}))
	t.Cleanup(front.Close)
	must(t, clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"lab": {Server: front.URL}},
		Contexts:       map[string]*clientcmdapi.Context{"lab": {Cluster: "lab"}},
		CurrentContext: "lab",
	}, p.kubeconfig))
	return p
}

func (p *watched) options() *argocd.Options {
	return &argocd.Options{Kubeconfig: secret.Source{File: p.kubeconfig}}
}

func (p *watched) requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

// at does something before and after the n-th request from now on.
func (p *watched) at(n int, before, after func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target, p.before, p.after = p.count+n, before, after
}

func (p *watched) next() (before, after func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	before, after = func() {}, func() {}
	if p.count == p.target {
		if p.before != nil {
			before = p.before
		}
		if p.after != nil {
			after = p.after
		}
	}
	return before, after
}
