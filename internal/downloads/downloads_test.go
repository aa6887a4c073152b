package downloads_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/downloads"
	"github.com/pave-platform/pave/internal/downloadstest"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/secret"
)

func options(t *testing.T, s *downloadstest.Server) downloads.Options {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(s.Token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return downloads.Options{URL: s.URL, Workspace: s.Workspace, Repository: s.Repository, Token: secret.Source{File: file}}
}

func client(t *testing.T, o downloads.Options) *downloads.Client {
	t.Helper()
	c, err := downloads.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAFileIsThereOnceHoweverOftenItIsUploaded(t *testing.T) {
	t.Parallel()
	s := downloadstest.Start(t)
	s.PageLength = 2
	c := client(t, options(t, s))
	s.Fail(downloadstest.Busy, downloadstest.CutAfter)
	for _, name := range []string{"a", "b", "c", "d", "e", "a"} {
		if err := c.Put(t.Context(), name, []byte("content of "+name)); err != nil {
			t.Fatal(err)
		}
	}
	s.Fail(downloadstest.Busy)
	files, err := c.List(t.Context())
	if err != nil || len(files) != 5 || files["e"] != 12 {
		t.Errorf("got %v, %v", files, err)
	}
	if got := string(s.Files()["a"]); got != "content of a" {
		t.Errorf("got %q", got)
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	t.Parallel()
	s := downloadstest.Start(t)
	for name, x := range map[string]struct {
		change func(*downloads.Options)
		kind   fault.Kind
		want   string
	}{
		"no token":           {func(o *downloads.Options) { o.Token = secret.Source{} }, fault.Input, "need a token"},
		"no repository":      {func(o *downloads.Options) { o.Repository = "" }, fault.Input, "WORKSPACE/REPOSITORY"},
		"a path for a name":  {func(o *downloads.Options) { o.Workspace = "../x" }, fault.Input, "WORKSPACE/REPOSITORY"},
		"http to elsewhere":  {func(o *downloads.Options) { o.URL = "http://bitbucket.example.com" }, fault.Input, "loopback only"},
		"a token in the URL": {func(o *downloads.Options) { o.URL = "https://u:p@bitbucket.example.com" }, fault.Input, "is not the URL"},
		"a wrong way in":     {func(o *downloads.Options) { o.Username = "jane" }, fault.Failed, "check the token"},
		"another repository": {func(o *downloads.Options) { o.Repository = "other" }, fault.Failed, "check the workspace"},
	} {
		o := options(t, s)
		x.change(&o)
		c, err := downloads.New(o)
		if err == nil {
			err = c.Put(t.Context(), "a", nil)
		}
		if err == nil || fault.KindOf(err) != x.kind || !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), s.Token) {
			t.Errorf("%s: got %v, want an error of kind %d with %q", name, err, x.kind, x.want)
		}
	}
	s.Fail(downloadstest.Forbid)
	if err := client(t, options(t, s)).Put(t.Context(), "a", nil); err == nil || !strings.Contains(err.Error(), "repository:write") {
		t.Errorf("got %v", err)
	}
}
