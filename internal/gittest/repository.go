package gittest

import (
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/dev/git"
)

// Repository is a bare repository on disk, looked at with the git program.
type Repository struct{ Dir string }

// Create makes an empty bare repository that nobody serves, for use by path.
func Create(t testing.TB, protect ...string) Repository {
	t.Helper()
	backend, err := git.New(git.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return create(t, backend, protect)
}

func create(t testing.TB, backend *git.Server, protect []string) Repository {
	t.Helper()
	dir, err := backend.Create(t.Context(), "gitops")
	if err != nil {
		t.Fatal(err)
	}
	for _, branch := range protect {
		if err := backend.Protect(t.Context(), dir, branch); err != nil {
			t.Fatal(err)
		}
	}
	r := Repository{dir}
	t.Cleanup(func() { r.Git(t, "fsck", "--strict", "--no-dangling") })
	return r
}

// Git runs the git program on the repository and gives what it prints.
func (r Repository) Git(t testing.TB, args ...string) string {
	t.Helper()
	return r.GitInput(t, "", args...)
}

// GitInput is Git with standard input.
func (r Repository) GitInput(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"--git-dir", r.Dir}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Jane", "GIT_AUTHOR_EMAIL=jane@example.com", "GIT_COMMITTER_NAME=Jane", "GIT_COMMITTER_EMAIL=jane@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimRight(string(out), "\n")
}

// Commit puts files on branch as somebody else would, past the server, and
// gives the commit. Files that it does not name stay.
func (r Repository) Commit(t testing.TB, branch, message string, files map[string]string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("commit refs/heads/" + branch + "\ncommitter Jane <jane@example.com> now\n")
	data(&b, message)
	if r.Head(t, branch) != "" {
		b.WriteString("from refs/heads/" + branch + "^0\n")
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		b.WriteString("M 100644 inline " + path + "\n")
		data(&b, files[path])
	}
	r.GitInput(t, b.String(), "fast-import", "--quiet", "--date-format=now")
	return r.Head(t, branch)
}

// data writes one text in git fast-import's format.
func data(b *strings.Builder, s string) {
	b.WriteString("data <<pave-end-of-text\n" + strings.TrimSuffix(s, "\n") + "\npave-end-of-text\n")
}

// Head is the commit of branch; empty for none.
func (r Repository) Head(t testing.TB, branch string) string {
	t.Helper()
	return r.Git(t, "for-each-ref", "--format=%(objectname)", "refs/heads/"+branch)
}

// Commits counts what is on branch.
func (r Repository) Commits(t testing.TB, branch string) int {
	t.Helper()
	if r.Head(t, branch) == "" {
		return 0
	}
	return len(strings.Fields(r.Git(t, "rev-list", branch)))
}

// File gives a file's content on branch, without the last line's end.
func (r Repository) File(t testing.TB, branch, path string) string {
	t.Helper()
	return r.Git(t, "show", branch+":"+path)
}
