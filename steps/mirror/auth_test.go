package mirror_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/steps/mirror"
)

// tokenServer hands out tokens as
// https://distribution.github.io/distribution/spec/auth/token/ says, and guards a
// registry with them: a token is for one service, and for the repositories and
// actions in its scopes.
type tokenServer struct {
	mu     sync.Mutex
	tokens map[string][]string // scopes by token
	given  int
}

func (s *tokenServer) token(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || r.URL.Query().Get("service") != "test" {
		http.Error(w, "GET with service=test", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given++
	token := fmt.Sprintf("token-%d", s.given)
	for _, scope := range r.URL.Query()["scope"] {
		s.tokens[token] = append(s.tokens[token], strings.Fields(scope)...)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"token": token, "expires_in": 300})
}

// tokenPath is Harbor's.
const tokenPath = "/service/token"

// guard is what a registry does with tokens.
func (s *tokenServer) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == tokenPath {
			s.token(w, r)
			return
		}
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		s.mu.Lock()
		scopes, known := s.tokens[token]
		s.mu.Unlock()
		wants := scopeOf(r)
		if known && (wants == "" || allows(scopes, wants)) {
			next.ServeHTTP(w, r)
			return
		}
		challenge := fmt.Sprintf(`Bearer realm=%q,service="test"`, "http://"+r.Host+tokenPath)
		if wants != "" {
			challenge += fmt.Sprintf(",scope=%q", wants)
		}
		w.Header().Set("WWW-Authenticate", challenge)
		w.WriteHeader(http.StatusUnauthorized)
	})
}

// scopeOf gives the scope that a request needs, or "" for the registry's root.
func scopeOf(r *http.Request) string {
	path := strings.TrimPrefix(r.URL.Path, "/v2/")
	for _, part := range []string{"/manifests/", "/blobs/", "/tags/", "/referrers/"} {
		if repository, _, ok := strings.Cut(path, part); ok {
			action := "pull"
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				action = "push"
			}
			return "repository:" + repository + ":" + action
		}
	}
	return ""
}

func allows(scopes []string, wants string) bool {
	i := strings.LastIndex(wants, ":")
	for _, s := range scopes {
		repository, actions := s[:strings.LastIndex(s, ":")], s[strings.LastIndex(s, ":")+1:]
		if repository == wants[:i] && strings.Contains(","+actions+",", ","+wants[i+1:]+",") {
			return true
		}
	}
	return false
}

func TestASourceWithATokenServer(t *testing.T) {
	tokens := &tokenServer{tokens: map[string][]string{}}
	source := registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true, Wrap: tokens.guard})
	l := labOf(t, source, registrytest.Distribution(t, registrytest.Options{}))
	l.push(t, "a:1.0.0", multi(t, "one", 0))
	l.push(t, "a:1.1.0", multi(t, "two", 0))
	l.push(t, "b:1", image(t, "linux/amd64", "b", 0))
	l.list(t, "name: a, source: SOURCE/a, versions: '^1'", "name: b, source: SOURCE/b, tags: ['1']")
	before := tokens.given
	l.approve(t)
	if n := tokens.given - before; n > 6 {
		t.Errorf("%d tokens for two repositories", n)
	}
	if r := l.run(t); r.Count(mirror.Copied) != 3 {
		t.Errorf("%+v", r)
	}
}

// TestThePlatformsPasswordStaysAtThePlatform watches what a source is sent.
func TestThePlatformsPasswordStaysAtThePlatform(t *testing.T) {
	var mu sync.Mutex
	var sent []string
	source := registrytest.Distribution(t, registrytest.Options{Anonymous: true, Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			sent = append(sent, r.Header.Get("Authorization"))
			mu.Unlock()
			next.ServeHTTP(w, r)
		})
	}})
	l := labOf(t, source, registrytest.New(t, registrytest.Options{}))
	l.push(t, "a:1", multi(t, "one", 0))
	sent = nil
	l.list(t, "name: a, source: SOURCE/a, tags: ['1']")
	l.approve(t)
	l.run(t)
	if len(sent) == 0 {
		t.Error("the source was not asked")
	}
	for _, header := range sent {
		if header != "" {
			t.Fatalf("the source was sent credentials")
		}
	}
}

// TestASourceInTheTargetsRegistryHasTheSameLogin mirrors within a registry, and
// from one that nobody logs in to.
func TestASourceInTheTargetsRegistryHasTheSameLogin(t *testing.T) {
	own := registrytest.New(t, registrytest.Options{})
	l := labOf(t, own, own)
	l.push(t, "a:1", multi(t, "one", 0))
	l.list(t, "name: a, source: SOURCE/a, tags: ['1']")
	approve := l.approveOptions()
	approve.Sources = registry.Options{CAFile: own.CAFile}
	if _, err := mirror.Approve(t.Context(), approve); err != nil {
		t.Fatal(err)
	}
	o := l.runOptions()
	o.Sources = approve.Sources
	if r, err := mirror.Run(t.Context(), o); err != nil || r.Count(mirror.Copied) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAWrongPasswordAtTheTargetIsSaidSo(t *testing.T) {
	l := newLab(t)
	l.push(t, "a:1", multi(t, "one", 0))
	l.list(t, "name: a, source: SOURCE/a, tags: ['1']")
	l.approve(t)
	o := l.runOptions()
	t.Setenv("WRONG_PASSWORD", "wr0ng-pa55word")
	o.Registry = registry.Options{CAFile: l.target.CAFile, Username: "robot"}
	o.Registry.Password.Env = "WRONG_PASSWORD"
	_, err := mirror.Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "refused the credentials (401)") || strings.Contains(err.Error(), "wr0ng") || strings.Contains(err.Error(), url.QueryEscape("wr0ng-pa55word")) {
		t.Errorf("got %v", err)
	}
}

// TestNothingToDoAsksTheTargetOnceForEachTag counts what reaches the registries.
func TestNothingToDoAsksTheTargetOnceForEachTag(t *testing.T) {
	var mu sync.Mutex
	var requests []string
	target := registrytest.New(t, registrytest.Options{Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			requests = append(requests, r.Method+" "+r.URL.Path)
			mu.Unlock()
			next.ServeHTTP(w, r)
		})
	}})
	l := labOf(t, registrytest.Distribution(t, registrytest.Options{Anonymous: true}), target)
	l.platforms = "linux/amd64"
	var entries []string
	for i := range 20 {
		l.push(t, fmt.Sprintf("a%d:1", i), multi(t, fmt.Sprint("image ", i), 0))
		entries = append(entries, fmt.Sprintf("name: a%d, source: SOURCE/a%d, tags: ['1']", i, i))
	}
	l.list(t, entries...)
	l.approve(t)
	l.run(t)
	requests = nil
	r := l.run(t)
	if r.Count(mirror.Present) != 20 || r.Requests.Source != 0 || len(requests) > 22 {
		t.Errorf("%d requests to the target, %d to the source", len(requests), r.Requests.Source)
	}
	requests = nil
	if l.plan(t).ToApprove() != 0 {
		t.Error("there is something to approve")
	}
	for _, request := range requests {
		if strings.HasPrefix(request, "GET ") && strings.Contains(request, "/manifests/") {
			t.Errorf("a comparison counts as a pull: %s", request)
		}
	}
}
