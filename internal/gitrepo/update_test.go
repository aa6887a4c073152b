package gitrepo_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/secret"
)

var pave = gitrepo.Author{Name: "pave", Email: "pave@example.com"}

func options(s *gittest.Server) gitrepo.Options {
	return gitrepo.Options{URL: s.URL, Branch: "main", Author: pave, CAFile: s.CAFile, Username: s.Username, Token: secret.Source{File: s.TokenFile}}
}

func open(t *testing.T, o gitrepo.Options) *gitrepo.Repository {
	t.Helper()
	r, err := gitrepo.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// put is a change that writes one file.
func put(path, content string) func(*gitrepo.Tree) (gitrepo.Change, error) {
	return func(*gitrepo.Tree) (gitrepo.Change, error) {
		return gitrepo.Change{Write: map[string][]byte{path: []byte(content)}, Message: "write " + path + "\n"}, nil
	}
}

func update(t *testing.T, r *gitrepo.Repository, change func(*gitrepo.Tree) (gitrepo.Change, error)) gitrepo.Result {
	t.Helper()
	result, err := r.Update(t.Context(), change)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestUpdateOverEveryTransport(t *testing.T) {
	web := gittest.Start(t, gittest.Options{TLS: true, Auth: true, Username: "deployer"})
	plain := gittest.Start(t, gittest.Options{Whole: true})
	shell := gittest.StartSSH(t)
	local := gittest.Create(t)
	for name, c := range map[string]struct {
		options    gitrepo.Options
		repository gittest.Repository
	}{
		"https with user, token and a CA of its own": {options(web), web.Repository},
		"http on loopback, without partial clones":   {options(plain), plain.Repository},
		"ssh with a key and a known host":            {sshOptions(shell), shell.Repository},
		"a path":                                     {gitrepo.Options{URL: local.Dir, Branch: "main", Author: pave}, local},
		"a file:// URL":                              {gitrepo.Options{URL: "file://" + gittest.Create(t).Dir, Branch: "main", Author: pave}, gittest.Repository{}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.repository.Dir == "" {
				c.repository.Dir = strings.TrimPrefix(c.options.URL, "file://")
			}
			r := open(t, c.options)
			first := update(t, r, put("apps/a/app.yaml", "one\n")) // into an empty repository
			if !first.Changed || first.Commit != c.repository.Head(t, "main") {
				t.Fatalf("first: %+v, and main is at %s", first, c.repository.Head(t, "main"))
			}
			c.repository.Commit(t, "main", "by hand", map[string]string{"apps/a.b/x": "x\n", "README": "hello\n"})
			second := update(t, r, func(tree *gitrepo.Tree) (gitrepo.Change, error) {
				old, err := tree.Read("apps/a/app.yaml")
				return gitrepo.Change{Write: map[string][]byte{"apps/a/app.yaml": append(old, "two\n"...)}, Message: "second\n"}, err
			})
			if got := c.repository.File(t, "main", "apps/a/app.yaml"); got != "one\ntwo" {
				t.Errorf("the file has %q", got)
			}
			if got := c.repository.File(t, "main", "README"); got != "hello" {
				t.Errorf("the other file has %q", got)
			}
			again := update(t, r, put("apps/a/app.yaml", "one\ntwo\n"))
			if again.Changed || again.Commit != second.Commit {
				t.Errorf("writing the same again: %+v, want no change at %s", again, second.Commit)
			}
			if n := c.repository.Commits(t, "main"); n != 3 {
				t.Errorf("%d commits, want 3", n)
			}
		})
	}
}

func TestUpdateRemovesFilesAndTheirFolders(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	s.Commit(t, "main", "seed", map[string]string{"a/b/c.yaml": "c\n", "a/d.yaml": "d\n"})
	r := open(t, options(s))
	update(t, r, func(*gitrepo.Tree) (gitrepo.Change, error) {
		return gitrepo.Change{Remove: []string{"a/b/c.yaml", "not/there"}, Message: "remove"}, nil
	})
	if got := s.Git(t, "ls-tree", "-r", "--name-only", "main"); got != "a/d.yaml" {
		t.Errorf("left are %q", got)
	}
	update(t, r, func(*gitrepo.Tree) (gitrepo.Change, error) {
		return gitrepo.Change{Remove: []string{"a/d.yaml"}, Message: "remove the last"}, nil
	})
	if got := s.Git(t, "ls-tree", "-r", "--name-only", "main"); got != "" {
		t.Errorf("left are %q", got)
	}
}

func TestUpdateRefusesPathsThatLeaveTheRepository(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	s.Commit(t, "main", "seed", map[string]string{"file": "x\n", "folder/x": "x\n"})
	r := open(t, options(s))
	for _, path := range []string{"../x", "/x", "a/../x", "a//x", "", ".", ".git/config", "a/.GIT/hooks/x", "file/x", "folder"} {
		if _, err := r.Update(t.Context(), put(path, "x")); err == nil {
			t.Errorf("%q was written", path)
		}
	}
	if n := s.Commits(t, "main"); n != 1 || s.Pushes() != 0 {
		t.Errorf("%d commits after %d pushes, want 1 after none", n, s.Pushes())
	}
}

func TestReadGivesTheTree(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	head := s.Commit(t, "main", "seed", map[string]string{"apps/b/x": "b\n", "apps/a/x": "a\n"})
	err := open(t, options(s)).Read(t.Context(), func(tree *gitrepo.Tree) error {
		if tree.Head() != head {
			t.Errorf("head %s, want %s", tree.Head(), head)
		}
		if names, err := tree.List("apps"); fmt.Sprint(names) != "[a b]" {
			t.Errorf("names %v, error %v", names, err)
		}
		if b, err := tree.Read("apps/b/x"); string(b) != "b\n" {
			t.Errorf("content %q, error %v", b, err)
		}
		if _, err := tree.Read("apps/c/x"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a missing file: %v", err)
		}
		if _, err := tree.Read("apps"); err == nil {
			t.Error("a folder was read as a file")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestConcurrentUpdatesAllLand(t *testing.T) {
	s := gittest.Start(t, gittest.Options{TLS: true, Auth: true})
	const clients = 16
	var wg sync.WaitGroup
	for i := range clients {
		r := open(t, options(s))
		wg.Go(func() {
			if _, err := r.Update(t.Context(), put(fmt.Sprintf("apps/%d/app.yaml", i), "x\n")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(strings.Fields(s.Git(t, "ls-tree", "-r", "--name-only", "main"))); n != clients {
		t.Errorf("%d files, want %d", n, clients)
	}
	if n := s.Commits(t, "main"); n != clients {
		t.Errorf("%d commits, want %d", n, clients)
	}
	t.Logf("%d pushes for %d commits", s.Pushes(), clients)
}

func TestALostRaceIsAppliedAgainToWhatIsThereThen(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	s.Commit(t, "main", "seed", map[string]string{"count": "1"})
	s.BeforePush(func() { s.Commit(t, "main", "faster", map[string]string{"count": "2", "other": "x"}) })
	result := update(t, open(t, options(s)), func(tree *gitrepo.Tree) (gitrepo.Change, error) {
		old, err := tree.Read("count")
		return gitrepo.Change{Write: map[string][]byte{"count": append(old, "more\n"...)}, Message: "count"}, err
	})
	if got := s.File(t, "main", "count"); got != "2\nmore" {
		t.Errorf("the file has %q: the change was not applied anew", got)
	}
	if result.Attempts != 2 || s.Commits(t, "main") != 3 {
		t.Errorf("%d attempts and %d commits, want 2 and 3", result.Attempts, s.Commits(t, "main"))
	}
}

func TestABrokenPushLandsOnce(t *testing.T) {
	for name, faults := range map[string][]gittest.Fault{
		"cut before the server took it": {gittest.CutBefore},
		"cut after the server took it":  {gittest.CutAfter},
		"busy, then cut on both sides":  {gittest.Busy, gittest.CutBefore, gittest.CutAfter},
	} {
		t.Run(name, func(t *testing.T) {
			s := gittest.Start(t, gittest.Options{})
			s.Commit(t, "main", "seed", map[string]string{"x": "x"})
			s.Fail(faults...)
			result := update(t, open(t, options(s)), put("app.yaml", "one\n"))
			if !result.Changed || result.Commit != s.Head(t, "main") {
				t.Errorf("%+v, and main is at %s", result, s.Head(t, "main"))
			}
			if n := s.Commits(t, "main"); n != 2 {
				t.Errorf("%d commits, want 2", n)
			}
		})
	}
}

func TestACutPushIsFoundBelowLaterCommits(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	s.Commit(t, "main", "seed", map[string]string{"x": "x"})
	s.Fail(gittest.CutAfter)
	s.AfterPush(func() { s.Commit(t, "main", "later", map[string]string{"y": "y"}) })
	calls := 0
	r := open(t, options(s))
	result := update(t, r, func(*gitrepo.Tree) (gitrepo.Change, error) {
		calls++
		return gitrepo.Change{Write: map[string][]byte{"x": []byte("mine\n")}, Message: "mine"}, nil
	})
	if calls != 1 || !result.Changed || result.Commit != s.Git(t, "rev-parse", "main~1") {
		t.Errorf("the change was applied %d times, want once: %+v", calls, result)
	}
}

// TestAPushThatLandsLateLandsOnce is about a push that is still on its way when
// the client looks for it.
func TestAPushThatLandsLateLandsOnce(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	s.Commit(t, "main", "seed", map[string]string{"count": "1"})
	s.Fail(gittest.CutLate)
	result := update(t, open(t, options(s)), func(tree *gitrepo.Tree) (gitrepo.Change, error) {
		old, err := tree.Read("count")
		return gitrepo.Change{Write: map[string][]byte{"count": append(old, "more\n"...)}, Message: "count"}, err
	})
	if got := s.File(t, "main", "count"); got != "1\nmore" {
		t.Errorf("the file has %q", got)
	}
	if !result.Changed || result.Commit != s.Head(t, "main") || s.Commits(t, "main") != 2 {
		t.Errorf("%+v, and main is at %s with %d commits", result, s.Head(t, "main"), s.Commits(t, "main"))
	}
}

func TestAServerThatStaysBrokenEndsTheUpdate(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	s.Commit(t, "main", "seed", map[string]string{"x": "x"})
	for range 20 {
		s.Fail(gittest.CutBefore)
	}
	_, err := open(t, options(s)).Update(t.Context(), put("app.yaml", "one\n"))
	if err == nil || !strings.Contains(err.Error(), "gave up after 5 attempts") {
		t.Errorf("got %v", err)
	}
	if n := s.Commits(t, "main"); n != 1 {
		t.Errorf("%d commits, want 1", n)
	}
}

func TestCancelledUpdateLeavesTheBranchAlone(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	head := s.Commit(t, "main", "seed", map[string]string{"x": "x"})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := open(t, options(s)).Update(ctx, func(tree *gitrepo.Tree) (gitrepo.Change, error) {
		cancel()
		return put("app.yaml", "one\n")(tree)
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := s.Head(t, "main"); got != head {
		t.Errorf("main moved to %s", got)
	}
}

func TestAnErrorOfTheChangeComesBackAsItIs(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	want := errors.New("conflict")
	_, err := open(t, options(s)).Update(t.Context(), func(*gitrepo.Tree) (gitrepo.Change, error) { return gitrepo.Change{}, want })
	if err != want {
		t.Errorf("got %v", err)
	}
}
