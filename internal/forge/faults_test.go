package forge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/forgetest"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/secret"
)

func TestWhatPassesIsBorne(t *testing.T) {
	for name, faults := range map[string][]forgetest.Fault{
		"asked too often":    {forgetest.TooMany, forgetest.TooMany},
		"a server error":     {forgetest.Broken},
		"a busy server":      {forgetest.Busy},
		"a broken line":      {forgetest.CutBefore},
		"one after another":  {forgetest.TooMany, forgetest.CutBefore, forgetest.Broken},
		"a line broken late": {forgetest.CutAfter},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, forgetest.Options{}, func(t *testing.T, s *forgetest.Server, c *forge.Client) {
				s.Push("one")
				s.Fail("GET ", faults...)
				if all, err := c.List(t.Context()); err != nil || len(all) != 0 {
					t.Errorf("list: %v, %v", all, err)
				}
				s.Fail("POST ", faults...)
				if _, created, err := c.Create(t.Context(), forge.Draft{Branch: "one", Target: "main", Title: "x"}); err != nil || !created {
					t.Errorf("create: %t, %v", created, err)
				}
				s.Fail("POST ", faults...)
				if wrote, err := c.Comment(t.Context(), 1, "m", "hello"); err != nil || !wrote {
					t.Errorf("comment: %t, %v", wrote, err)
				}
				for _, change := range []string{"PUT ", "PATCH "} {
					s.Fail(change, faults...)
				}
				if wrote, err := c.Comment(t.Context(), 1, "m", "hello again"); err != nil || !wrote {
					t.Errorf("change of a comment: %t, %v", wrote, err)
				}
				if closed, err := c.Close(t.Context(), 1); err != nil || !closed {
					t.Errorf("close: %t, %v", closed, err)
				}
				if s.Pulls() != 1 || len(s.Comments(1)) != 1 || s.State(1) != "closed" {
					t.Errorf("%d pull requests, comments %q, %s", s.Pulls(), s.Comments(1), s.State(1))
				}
			})
		})
	}
}

func TestAListIsWholeOrAnError(t *testing.T) {
	onEach(t, forgetest.Options{PageLength: 1}, func(t *testing.T, s *forgetest.Server, c *forge.Client) {
		s.Open("one", "1")
		s.Open("two", "2")
		second := "page=2"
		if strings.HasPrefix(c.Repository(), "Bitbucket repository") {
			second = "start=1"
		}
		s.Fail(second, forgetest.Missing)
		if all, err := c.List(t.Context()); err == nil || all != nil {
			t.Errorf("a page is missing: %v, %v", all, err)
		}
		s.Fail(second, forgetest.Garbage)
		if _, err := c.List(t.Context()); err == nil || !strings.Contains(err.Error(), "not what the API describes") {
			t.Errorf("a page is garbage: %v", err)
		}
	})
}

func TestARefusalSaysWhatToDo(t *testing.T) {
	onEach(t, forgetest.Options{}, func(t *testing.T, s *forgetest.Server, c *forge.Client) {
		s.Push("one")
		s.Fail("", forgetest.TooLong)
		_, err := c.List(t.Context())
		says(t, err, fault.Failed, "asked too often (429", "run it again in 1h0m0s")
		s.Fail("", forgetest.Broken, forgetest.Broken, forgetest.Broken, forgetest.Broken, forgetest.Broken)
		_, err = c.List(t.Context())
		says(t, err, fault.Failed, "list the ", "repository shop/web", "(500: Something went wrong)", "run it again")
		if _, _, err = c.Create(t.Context(), forge.Draft{Branch: "gone", Target: "main", Title: "x"}); err == nil || s.Pulls() != 0 {
			t.Errorf("from a branch that is not there: %v", err)
		}
		says(t, err, fault.KindOf(err), "open a ", "repository shop/web")
	})
}

func TestATokenIsCheckedAndNeverShown(t *testing.T) {
	for _, kind := range forge.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			s := forgetest.Start(t, forgetest.Options{})
			s.Open("one", "1")
			o := s.Forge(kind)
			o.Token = secret.Source{File: file(t, "wrong-token")}
			_, err := client(t, o).List(t.Context())
			says(t, err, fault.Failed, "the token is refused (401", "expired")
			gittest.NoSecret(t, err.Error(), "wrong-token")
			o.Token = secret.Source{}
			_, err = client(t, o).List(t.Context())
			says(t, err, fault.Failed, "asks for a token (401", "--forge-token-file")
			o.Token = secret.Source{File: file(t, s.ReadToken)}
			if all, err := client(t, o).List(t.Context()); err != nil || len(all) != 1 {
				t.Errorf("with a token that reads: %v, %v", all, err)
			}
			_, err = client(t, o).Close(t.Context(), 1)
			says(t, err, fault.Failed, "not allowed (403", "give the token these rights")
			o = s.Forge(kind)
			o.Repository = "other"
			_, err = client(t, o).List(t.Context())
			says(t, err, fault.Input, "repository shop/other", "(404")
		})
	}
}

func TestAServerThatRepeatsTheTokenIsNotRepeated(t *testing.T) {
	url := gittest.Handler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, fmt.Sprintf(`{"message":"bad %s"}`, r.Header.Get("Authorization")), http.StatusTeapot)
	}))
	o := forge.Options{Kind: forge.BitbucketCloud, URL: url, Project: "shop", Repository: "web", Username: "me", Token: secret.Source{File: file(t, "geheim")}}
	_, err := client(t, o).List(t.Context())
	says(t, err, fault.Failed, "bad Basic (hidden)")
	o.Username = ""
	_, err = client(t, o).List(t.Context())
	says(t, err, fault.Failed, "bad Bearer (hidden)")
}

func TestTheTokenStaysWithTheForge(t *testing.T) {
	asked := false
	elsewhere := gittest.Handler(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked = true
		fmt.Fprint(w, `{"values":[]}`)
	}))
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a redirect": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, http.StatusFound) }, "it has moved (302"},
		"a next page": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"values":[],"next":%q}`, elsewhere+"/2")
		}, "at another address"},
	} {
		t.Run(name, func(t *testing.T) {
			url := gittest.Handler(t, c.answer)
			_, err := client(t, forge.Options{Kind: forge.BitbucketCloud, URL: url, Project: "shop", Repository: "web"}).List(t.Context())
			says(t, err, fault.Failed, c.want)
			if asked {
				t.Error("the other address was asked")
			}
		})
	}
}

func TestAPrivateCAIsTrustedWhereGiven(t *testing.T) {
	onEach(t, forgetest.Options{TLS: true}, func(t *testing.T, s *forgetest.Server, c *forge.Client) {
		if _, err := c.List(t.Context()); err != nil {
			t.Error(err)
		}
	})
	s := forgetest.Start(t, forgetest.Options{TLS: true})
	o := s.Forge(forge.GitHub)
	o.CAFile = ""
	_, err := client(t, o).List(t.Context())
	says(t, err, fault.Failed, "by an unknown authority", "--ca-file")
}

func TestAPasswordGoesWithAUser(t *testing.T) {
	for _, kind := range []forge.Kind{forge.BitbucketCloud, forge.BitbucketDataCenter} {
		s := forgetest.Start(t, forgetest.Options{Username: "ci"})
		if _, err := client(t, s.Forge(kind)).List(t.Context()); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		o := s.Forge(kind)
		o.Username = ""
		_, err := client(t, o).List(t.Context())
		says(t, err, fault.Failed, "401", "give a user name")
	}
}

func TestNobodyThereOrNoAnswer(t *testing.T) {
	_, err := client(t, forge.Options{Kind: forge.GitHub, URL: "http://127.0.0.1:1", Project: "shop", Repository: "web"}).List(t.Context())
	says(t, err, fault.Failed, "127.0.0.1:1 refuses connections")
	s := forgetest.Start(t, forgetest.Options{})
	s.Fail("", forgetest.Hang)
	ctx, cancel := context.WithCancel(t.Context())
	s.Before(1, cancel)
	if _, err := client(t, s.Forge(forge.GitLab)).List(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("after an interruption: %v", err)
	}
}

func TestBadOptionsAreFoundBeforeAnybodyIsAsked(t *testing.T) {
	for name, c := range map[string]struct {
		o    forge.Options
		want string
	}{
		"no kind":                         {forge.Options{Kind: "svn"}, "no kind of forge"},
		"no project":                      {forge.Options{Kind: forge.GitHub, Repository: "web"}, "project"},
		"a project that leaves its place": {forge.Options{Kind: forge.GitLab, Project: "a/../b", Repository: "web"}, "project"},
		"a nested project elsewhere":      {forge.Options{Kind: forge.GitHub, Project: "a/b", Repository: "web"}, "project"},
		"a repository with a query":       {forge.Options{Kind: forge.GitHub, Project: "a", Repository: "web?x"}, "repository"},
		"Data Center without an address":  {forge.Options{Kind: forge.BitbucketDataCenter, Project: "a", Repository: "web"}, "no address"},
		"plain http":                      {forge.Options{Kind: forge.GitHub, URL: "http://git.example.com", Project: "a", Repository: "web"}, "only https"},
		"credentials in the address":      {forge.Options{Kind: forge.GitHub, URL: "https://u:p@git.example.com", Project: "a", Repository: "web"}, "holds credentials"},
		"no address":                      {forge.Options{Kind: forge.GitHub, URL: "git.example.com", Project: "a", Repository: "web"}, "malformed"},
		"a user where there is none":      {forge.Options{Kind: forge.GitHub, Project: "a", Repository: "web", Username: "me"}, "user name"},
		"a user without a password":       {forge.Options{Kind: forge.BitbucketCloud, Project: "a", Repository: "web", Username: "me"}, "no password"},
		"a token file that is missing":    {forge.Options{Kind: forge.GitHub, Project: "a", Repository: "web", Token: secret.Source{File: "/no/such"}}, "secret file"},
		"a CA file without a certificate": {forge.Options{Kind: forge.GitHub, Project: "a", Repository: "web", CAFile: file(t, "x")}, "no PEM certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := forge.New(c.o)
			says(t, err, fault.Input, c.want)
		})
	}
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// says checks an error's kind and words, and that it is one line.
func says(t *testing.T, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want an error of kind %d in one line", err, kind)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%v: it does not say %q", err, w)
		}
	}
}
