package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPaveMirrorBecomesPave tests the two programs as they are built: the small one becomes
// the large one beside it for what takes a scanner.
func TestPaveMirrorBecomesPave(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir+string(os.PathSeparator), "./cmd/pave-mirror")
	build.Dir = platform.repository
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}
	must(t, os.Symlink(platform.pave(), filepath.Join(dir, "pave")))
	for _, c := range []struct{ who, verb string }{{"pave-mirror: ", "status"}, {"pave: ", "plan"}} {
		cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "pave-mirror"), c.verb, "--list", "missing.yaml")
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		exit, failed := errors.AsType[*exec.ExitError](cmd.Run())
		if !failed || exit.ExitCode() != 2 || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), c.who+"missing.yaml") {
			t.Errorf("%s: %v, stdout %q, stderr %q", c.verb, exit, stdout.String(), stderr.String())
		}
	}
}
