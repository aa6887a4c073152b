package git_test

import (
	"crypto/rand"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/dev/git"
	"github.com/pave-platform/pave/internal/fault"
)

// server serves the repository demo and gives its URL.
func server(t *testing.T, o git.Options, protect ...string) (url string) {
	t.Helper()
	o.Dir = t.TempDir()
	s, err := git.New(o)
	if err != nil {
		t.Fatal(err)
	}
	path, err := s.Create(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range protect {
		if err := s.Protect(t.Context(), path, b); err != nil {
			t.Fatal(err)
		}
	}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return h.URL + "/demo.git"
}

// client runs the git program in dir.
func client(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Jane", "GIT_AUTHOR_EMAIL=jane@example.com", "GIT_COMMITTER_NAME=Jane", "GIT_COMMITTER_EMAIL=jane@example.com")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func must(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := client(t, dir, args...)
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return out
}

// commit adds size random bytes, which do not compress.
func commit(t *testing.T, dir string, size int) {
	t.Helper()
	b := make([]byte, size)
	_, _ = rand.Read(b)
	if err := os.WriteFile(filepath.Join(dir, rand.Text()), b, 0o644); err != nil {
		t.Fatal(err)
	}
	must(t, dir, "add", ".")
	must(t, dir, "commit", "-q", "-m", "files")
}

func TestGitItselfClonesAndPushes(t *testing.T) {
	url := server(t, git.Options{})
	work := filepath.Join(t.TempDir(), "work")
	must(t, ".", "clone", "-q", url, work)
	commit(t, work, 10)
	must(t, work, "push", "-q", "origin", "HEAD:main")
	commit(t, work, 3<<20) // over http.postBuffer: git sends it chunked, which CGI cannot take as it is
	must(t, work, "push", "-q", "origin", "HEAD:main")
	again := filepath.Join(t.TempDir(), "again")
	must(t, ".", "clone", "-q", url, again)
	if got, want := must(t, again, "rev-parse", "HEAD"), must(t, work, "rev-parse", "HEAD"); got != want {
		t.Errorf("the second clone is at %s, want %s", got, want)
	}
}

func TestOnlyTheTokenOpens(t *testing.T) {
	url := server(t, git.Options{Username: "jane", Token: []byte("right")})
	for credentials, want := range map[string]bool{"jane:right@": true, "jane:wrong@": false, "joe:right@": false, "": false} {
		_, err := client(t, ".", "ls-remote", strings.Replace(url, "://", "://"+credentials, 1))
		if (err == nil) != want {
			t.Errorf("with %q: %v", credentials, err)
		}
	}
}

func TestAProtectedBranchCanBeMadeAndNotChanged(t *testing.T) {
	url := server(t, git.Options{}, "main", "release/1")
	work := filepath.Join(t.TempDir(), "work")
	must(t, ".", "clone", "-q", url, work)
	commit(t, work, 10)
	must(t, work, "push", "-q", "origin", "HEAD:main", "HEAD:free", "HEAD:release/1")
	commit(t, work, 10)
	must(t, work, "push", "-q", "origin", "HEAD:free")
	for _, ref := range []string{"HEAD:main", "HEAD:release/1", ":main"} {
		out, err := client(t, work, "push", "origin", ref)
		if err == nil || !strings.Contains(out, "is protected: changes come in by pull request") {
			t.Errorf("push %s: %v\n%s", ref, err, out)
		}
	}
}

func TestCreateRefusesNamesThatLeaveTheFolder(t *testing.T) {
	s, err := git.New(git.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "../x", "/x", "a/../../x", "-x", "a b", ".git", "a/.git"} {
		if _, err := s.Create(t.Context(), name); fault.KindOf(err) != fault.Input || err == nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestCreateKeepsWhatIsThere(t *testing.T) {
	s, err := git.New(git.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	first, err := s.Create(t.Context(), "team/demo")
	if err != nil {
		t.Fatal(err)
	}
	must(t, first, "config", "demo.mark", "here")
	second, err := s.Create(t.Context(), "team/demo.git")
	if err != nil || second != first || strings.TrimSpace(must(t, first, "config", "demo.mark")) != "here" {
		t.Errorf("the second call gave %q, %v", second, err)
	}
}

func TestMissingGitIsSaid(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := git.New(git.Options{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "the git program is not installed") {
		t.Errorf("got %v", err)
	}
}
