package git

import (
	"context"
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
)

// preReceive refuses pushes to the branches named in the repository's
// pave.protected settings.
//
//go:embed hooks/pre-receive
var preReceive []byte

var repositoryName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$`)

// settings make a repository fit for its use here: pushes and partial clones
// over http, and no process that outlives the server.
var settings = [][2]string{
	{"http.receivepack", "true"},
	{"uploadpack.allowFilter", "true"},
	{"uploadpack.allowReachableSHA1InWant", "true"},
	{"receive.denyNonFastForwards", "true"},
	{"receive.fsckObjects", "true"},
	{"receive.autogc", "false"},
	{"gc.auto", "0"},
}

// Create makes the bare repository DIR/NAME.git with branch main as its HEAD,
// if it does not exist, and gives its path.
func (s *Server) Create(ctx context.Context, name string) (string, error) {
	name = strings.TrimSuffix(name, ".git")
	if !repositoryName.MatchString(name) {
		return "", fault.Inputf("repository name %q", name).Fix("use letters, digits, dots and dashes, with / between folders")
	}
	path := filepath.Join(s.dir, filepath.FromSlash(name)+".git")
	if _, err := os.Stat(filepath.Join(path, "HEAD")); err == nil {
		return path, nil
	}
	if err := s.run(ctx, s.dir, "init", "--quiet", "--bare", "--initial-branch=main", "--template=", path); err != nil {
		return "", err
	}
	for _, kv := range settings {
		if err := s.run(ctx, path, "config", kv[0], kv[1]); err != nil {
			return "", err
		}
	}
	return path, nil
}

// Protect makes the repository at path refuse pushes that change or delete
// branch. Creating it stays possible: a new repository needs its first commit.
func (s *Server) Protect(ctx context.Context, path, branch string) error {
	hooks := filepath.Join(path, "hooks")
	if err := os.MkdirAll(hooks, 0o755); err != nil {
		return fault.Failedf("protect %s: %w", branch, err)
	}
	if err := os.WriteFile(filepath.Join(hooks, "pre-receive"), preReceive, 0o755); err != nil {
		return fault.Failedf("protect %s: %w", branch, err)
	}
	return s.run(ctx, path, "config", "--replace-all", "pave.protected", "refs/heads/"+branch, "^refs/heads/"+regexp.QuoteMeta(branch)+"$")
}

func (s *Server) run(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, s.git, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), isolated()...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fault.Failedf("git %s: %w: %s", args[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}
