package harbortest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/harbor"
	"github.com/pave-platform/pave/internal/harbortest"
	"github.com/pave-platform/pave/internal/secret"
)

func client(t *testing.T, o harbor.Options) *harbor.Client {
	t.Helper()
	c, err := harbor.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestAProjectIsMadeOnce(t *testing.T) {
	h := harbortest.Start(t)
	c := client(t, h.Options())
	if _, there, err := c.Project(t.Context(), "library"); there || err != nil {
		t.Fatalf("%v, %v", there, err)
	}
	for _, want := range []bool{true, false} {
		made, err := c.CreateProject(t.Context(), harbor.NewProject{Name: "library", Metadata: harbor.ProjectMetadata{Public: "true"}, StorageLimit: -1})
		if made != want || err != nil {
			t.Fatalf("%v, %v", made, err)
		}
	}
	p, there, err := c.Project(t.Context(), "library")
	if !there || err != nil || p.Metadata.Public != "true" || p.ID == 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestRulesAreReadPageByPage(t *testing.T) {
	h := harbortest.Start(t)
	h.Add("library")
	c := client(t, h.Options())
	for i := range 101 {
		if err := c.CreateImmutableRule(t.Context(), "library", harbor.NewImmutableRule("**", fmt.Sprintf("v%d*", i))); err != nil {
			t.Fatal(err)
		}
	}
	rules, err := c.ImmutableRules(t.Context(), "library")
	if err != nil || len(rules) != 101 || rules[100].Tags[0].Pattern != "v100*" {
		t.Errorf("%d, %v", len(rules), err)
	}
}

func TestAProjectHasOneRetentionPolicy(t *testing.T) {
	h := harbortest.Start(t)
	p := h.Add("library").Project
	c := client(t, h.Options())
	if r, err := c.Retention(t.Context(), p); r != nil || err != nil {
		t.Fatalf("%v, %v", r, err)
	}
	policy := harbor.Retention{
		Algorithm: "or", Scope: harbor.RetentionScope{Level: "project", Ref: p.ID},
		Trigger: harbor.Trigger{Kind: "Schedule", Settings: map[string]string{"cron": "0 0 3 * * *"}},
		Rules: []harbor.RetentionRule{{
			Action: "retain", Template: "latestPushedK", Params: map[string]any{"latestPushedK": 10},
			Tags:  []harbor.Selector{{Kind: "doublestar", Decoration: "matches", Pattern: "**"}},
			Scope: harbor.Scope{Repository: []harbor.Selector{{Kind: "doublestar", Decoration: "repoMatches", Pattern: "**"}}},
		}},
	}
	if err := c.CreateRetention(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	if err := c.CreateRetention(t.Context(), policy); err == nil || !strings.Contains(err.Error(), "already has retention policy") {
		t.Errorf("a second one: %v", err)
	}
	p, _, err := c.Project(t.Context(), "library")
	if err != nil {
		t.Fatal(err)
	}
	if r, err := c.Retention(t.Context(), p); err != nil || r.Rules[0].Template != "latestPushedK" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestARobotHasItsSecretOnce(t *testing.T) {
	h := harbortest.Start(t)
	p := h.Add("shop").Project
	c := client(t, h.Options())
	robot := harbor.Robot{Name: "ci", Level: "project", Duration: -1, Permissions: []harbor.Permission{{
		Kind: "project", Namespace: "shop", Access: []harbor.Access{{Resource: "repository", Action: "push"}},
	}}}
	made, err := c.CreateRobot(t.Context(), robot)
	if err != nil || made.Name != "robot$shop+ci" || made.Secret == "" {
		t.Fatalf("%+v, %v", made, err)
	}
	if _, err := c.CreateRobot(t.Context(), robot); err == nil || !strings.Contains(err.Error(), "409") {
		t.Errorf("a second one: %v", err)
	}
	if all, err := c.Robots(t.Context(), p); err != nil || len(all) != 1 || all[0].Name != made.Name {
		t.Errorf("%+v, %v", all, err)
	}
	for _, want := range []bool{true, false} {
		if gone, err := c.DeleteRobot(t.Context(), made.ID); gone != want || err != nil {
			t.Errorf("%v, %v", gone, err)
		}
	}
}

func TestATagIsRemovedAndItsContentStays(t *testing.T) {
	h := harbortest.Start(t)
	h.Add("library")
	img, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(h.Ref("library/a/b:1"))
	if err != nil {
		t.Fatal(err)
	}
	options := h.Client(t).Remote(t.Context())
	if err := remote.Write(tag, img, options...); err != nil {
		t.Fatal(err)
	}
	c := client(t, h.Options())
	for _, want := range []bool{true, false} {
		if gone, err := c.DeleteTag(t.Context(), "library", "a/b", "1"); gone != want || err != nil {
			t.Errorf("%v, %v", gone, err)
		}
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := remote.Head(tag.Context().Digest(digest.String()), options...); err != nil {
		t.Error(err)
	}
	if !slices.ContainsFunc(h.Calls(), func(c string) bool { return strings.Contains(c, "a%252Fb") }) {
		t.Errorf("the repository is not escaped twice: %v", h.Calls())
	}
}

func TestPushesNeedAProject(t *testing.T) {
	h := harbortest.Start(t)
	img, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	push := func() error {
		tag, err := name.NewTag(h.Ref("library/a:1"))
		if err != nil {
			t.Fatal(err)
		}
		return remote.Write(tag, img, h.Client(t).Remote(t.Context())...)
	}
	if err := push(); err == nil || !strings.Contains(err.Error(), "project library not found") {
		t.Errorf("no project: %v", err)
	}
	p := h.Add("library")
	p.ReadOnly = true
	if err := push(); err == nil || !strings.Contains(err.Error(), "denied") {
		t.Errorf("read only: %v", err)
	}
	p.ReadOnly, p.StorageLimit = false, 10
	if err := push(); err == nil || !strings.Contains(err.Error(), "upper limit") {
		t.Errorf("full: %v", err)
	}
	p.StorageLimit = -1
	if err := push(); err != nil {
		t.Error(err)
	}
}

func TestAnErrorSaysTheWayOut(t *testing.T) {
	h := harbortest.Start(t)
	good := h.Options()
	t.Setenv("HARBOR_TEST_TOKEN", "wrong-t0ken")
	wrong, elsewhere, untrusted := good, good, good
	wrong.Password = secret.Source{Env: "HARBOR_TEST_TOKEN"}
	elsewhere.URL = "https://127.0.0.1:1"
	untrusted.CAFile = ""
	for name, c := range map[string]struct {
		options harbor.Options
		fault   []harbortest.Fault
		want    string
	}{
		"a wrong token":     {wrong, nil, "check --harbor-username and its token"},
		"nobody there":      {elsewhere, nil, "check Harbor's address"},
		"an unknown CA":     {untrusted, nil, "certificate"},
		"no right":          {good, []harbortest.Fault{{Status: 403}}, "give robot that right in Harbor"},
		"a server's error":  {good, []harbortest.Fault{{Status: 500}}, "Harbor answers 500: unknown: ordered by the test"},
		"a connection lost": {good, []harbortest.Fault{{}}, "make Harbor project library"},
	} {
		t.Run(name, func(t *testing.T) {
			h.Fail(c.fault...)
			_, err := client(t, c.options).CreateProject(t.Context(), harbor.NewProject{Name: "library", StorageLimit: -1})
			if fault.KindOf(err) != fault.Failed || err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "wrong-t0ken") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := client(t, good).Project(ctx, "library"); err == nil || ctx.Err() == nil {
		t.Errorf("interrupted: %v", err)
	}
}

func TestBadOptionsAreInputErrors(t *testing.T) {
	for name, o := range map[string]harbor.Options{
		"no scheme": {URL: "harbor.example.com", Username: "u"},
		"a path":    {URL: "https://harbor.example.com/api", Username: "u"},
		"no user":   {URL: "https://harbor.example.com"},
		"no token":  {URL: "https://harbor.example.com", Username: "u"},
	} {
		if _, err := harbor.New(o); err == nil || fault.KindOf(err) != fault.Input {
			t.Errorf("%s: %v", name, err)
		}
	}
}
