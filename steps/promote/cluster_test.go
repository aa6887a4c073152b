package promote_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/steps/promote"
)

// cluster is a double of the cluster that Argo CD runs in: at every call, it has
// taken up what the Git server has, and is as well as its orders say. It is served
// over http, so that a process that is killed can talk to it; each call can be
// interrupted. Nothing in it waits. The tests of cmd/pave have the real one.
type cluster struct {
	URL string
	git *gittest.Server

	mu     sync.Mutex
	now    time.Time
	since  time.Time                          // everything is Healthy since
	ill    map[string]bool                    // digests that do not become Healthy in production
	alter  func(name string, s *argocd.State) // what else is to be told of an Application
	down   bool                               // the API server does not answer
	away   map[string]bool                    // Applications that are not there
	before map[int]func()                     // by call, from 1
	after  map[int]func()                     // by call: done, and not answered
	calls  []string
	wants  []argocd.Want
	paused bool   // production waits for a person
	words  string // instead of those of illness
	during func() // while the next Follow waits
}

const illness = "Pod shop-production/web-1: the image cannot be pulled"

func newCluster(t testing.TB, s *gittest.Server) *cluster {
	c := &cluster{git: s, now: noon, since: noon.Add(-time.Hour), ill: map[string]bool{}, away: map[string]bool{}, before: map[int]func(){}, after: map[int]func(){}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.serve(t, w, r) }))
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

// answer is what goes over the wire.
type answer struct {
	Now     time.Time
	State   argocd.State
	Missing bool
	Outcome argocd.Outcome
	Waited  time.Duration
	Failure *argocd.Failure
}

func (c *cluster) serve(t testing.TB, w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.calls = append(c.calls, r.URL.Path)
	n := len(c.calls)
	before, after, during, down := c.before[n], c.after[n], c.during, c.down
	if r.URL.Path == "/follow" {
		c.during = nil
	}
	c.mu.Unlock()
	if before != nil {
		before()
	}
	if down {
		panic(http.ErrAbortHandler)
	}
	a := answer{Now: c.clock()}
	name := r.URL.Query().Get("name")
	var want argocd.Want
	if r.URL.Path == "/follow" {
		if err := json.NewDecoder(r.Body).Decode(&want); err != nil {
			t.Error(err)
		}
		name = want.Name
		if during != nil {
			during()
		}
	}
	if name != "" {
		a.State, a.Missing = c.state(t, name)
	}
	if r.URL.Path == "/follow" {
		c.follow(&a, want)
	}
	if after != nil {
		after()
	}
	_ = json.NewEncoder(w).Encode(a)
}

func (c *cluster) clock() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// state is an Application of web as Git has it.
func (c *cluster) state(t testing.TB, name string) (s argocd.State, missing bool) {
	environment := strings.TrimSuffix(strings.TrimPrefix(name, "shop-"), "-web")
	target := gitops.Target{Project: "shop", Environment: environment, App: "web"}
	c.mu.Lock()
	defer c.mu.Unlock()
	if target.Name() != name {
		t.Errorf("there is no Application %s", name)
	}
	if c.away[name] || c.git.Git(t, "ls-tree", "main", target.Path()) == "" {
		return argocd.State{}, true
	}
	content := []byte(c.git.File(t, "main", target.Path()) + "\n")
	app, err := gitops.Parse(target, content)
	if err != nil {
		t.Error(err)
	}
	s = argocd.State{
		Name: name, Namespace: "argocd", Project: "shop", ContentHash: gitops.ContentHash(content), Image: app.Image,
		Sync: argocd.Synced, Health: argocd.Healthy, Current: true, HealthySince: c.since,
	}
	if c.ill[app.Digest()] && environment == "production" {
		s.Health, s.HealthySince = argocd.Degraded, time.Time{}
	}
	if c.alter != nil {
		c.alter(name, &s)
	}
	return s, false
}

// follow answers at once what waiting would come to.
func (c *cluster) follow(a *answer, w argocd.Want) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wants = append(c.wants, w)
	a.Waited = 90 * time.Second
	a.Outcome = argocd.Outcome{State: a.State}
	if c.paused {
		a.State.Health = argocd.Suspended
		a.Failure = &argocd.Failure{Outcome: argocd.Outcome{State: a.State}, Why: "Application " + w.Name + ": it cannot become Healthy", Final: true}
		return
	}
	if a.State.At(w.ContentHash) {
		return
	}
	why := "still waiting for resources to become Healthy after " + w.Timeout.String()
	if a.State.ContentHash != w.ContentHash {
		why = "still waiting for Argo CD to take up the change"
	}
	pod, text, _ := strings.Cut(illness, ": ")
	text = either(c.words, text)
	a.Failure = &argocd.Failure{
		Outcome: argocd.Outcome{State: a.State, Problems: []argocd.Problem{{Resource: pod, Reason: argocd.ImagePull, Text: text, Fix: "check the image"}}},
		Why:     "Application " + w.Name + ": " + why,
	}
	a.Waited = w.Timeout
}

func either(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

// remote is the cluster as a process sees it. It implements promote.Cluster.
type remote string

func (r remote) ask(ctx context.Context, path string, body any) (a answer, err error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return a, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, string(r)+path, bytes.NewReader(raw))
	if err != nil {
		return a, err
	}
	// Never again on a connection that broke: each call is counted.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return a, context.Cause(ctx)
		}
		return a, fault.Failedf("the cluster does not answer: %w", err).Fix("check the address and the network")
	}
	defer response.Body.Close()
	return a, json.NewDecoder(response.Body).Decode(&a)
}

func (r remote) Now(ctx context.Context) (time.Time, error) {
	a, err := r.ask(ctx, "/now", nil)
	return a.Now, err
}

func (r remote) State(ctx context.Context, name string) (argocd.State, error) {
	a, err := r.ask(ctx, "/state?name="+name, nil)
	if err == nil && a.Missing {
		err = fault.Failedf("read Application %s: %w", name, argocd.ErrMissing)
	}
	return a.State, err
}

func (r remote) Follow(ctx context.Context, w argocd.Want) (argocd.Outcome, error) {
	a, err := r.ask(ctx, "/follow", w)
	a.Outcome.Waited = a.Waited
	if err == nil && a.Failure != nil {
		a.Failure.Waited = a.Waited
		a.Outcome = a.Failure.Outcome
		err = fault.Failedf("%w", a.Failure).Fix("look at kubectl describe application %s -n argocd", w.Name)
	}
	return a.Outcome, err
}

// sicken makes a release one that does not become Healthy in production.
func (c *cluster) sicken(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ill[digest(n)] = true
}

func (c *cluster) cure(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.ill, digest(n))
}

func (c *cluster) set(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do()
}

func (c *cluster) lastWant(t *testing.T) argocd.Want {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.wants) == 0 {
		t.Fatal("nothing was followed")
	}
	return c.wants[len(c.wants)-1]
}

// followed is a good promotion that is followed.
func followed(t testing.TB, s *gittest.Server, c *cluster) promote.Options {
	t.Helper()
	o := options(t, s)
	o.ArgoCD, o.Wait = remote(c.URL), true
	return o
}

// fails runs a promotion that must not end well.
func fails(t *testing.T, o promote.Options, kind fault.Kind, words ...string) promote.Result {
	t.Helper()
	r, err := promote.Run(t.Context(), o)
	refused(t, nil, err, kind, words...)
	return r
}

// soak is a pointer to a time.
func soak(d time.Duration) *time.Duration { return &d }

// digests are those that an environment had, as numbers.
func digests(entries []gitops.Entry) string {
	var b strings.Builder
	for _, e := range entries {
		fmt.Fprintf(&b, "%s %s, ", e.Action, strings.TrimLeft(gitops.Short(e.Digest)[:4], "0"))
	}
	return strings.TrimSuffix(b.String(), ", ")
}
