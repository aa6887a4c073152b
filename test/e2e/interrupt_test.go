package e2e

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestInterrupt tests that Ctrl-C ends the golden path wherever it is, and that calling it
// again goes on from there: one commit is made, whatever happened before.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(platform.repository, "examples", "hello-go", "page.html"))
	must(t, err)
	// Nobody has built this application: no step of it is in a cache.
	dir := application(t, map[string]string{"page.html": string(page) + "<!-- " + rand.Text() + " -->\n"})
	path := append(append([]string{"--progress=plain"}, platform.goldenPath("interrupt/gitops")...), "run")

	for _, moment := range []string{"pave image build", "gate image", "sign image", "deploy app"} {
		if !interrupted(t, dir, moment, path...) {
			t.Errorf("Ctrl-C at %q was not heard", moment)
		}
	}
	dagger(t, dir, path...).succeed(t)
	dagger(t, dir, path...).succeed(t)

	commits := strings.Fields(git(t, platform.bare("interrupt/gitops"), "log", "--format=%H", "main", "--", "apps/demo/staging/hello-go"))
	if len(commits) != 1 {
		t.Errorf("the application has the commits %q, want one", commits)
	}
}

// interrupted runs dagger until it says that it is at a moment, sends the interrupt, and
// tells whether it ended for that reason.
func interrupted(t *testing.T, dir, moment string, args ...string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := command(ctx, dir, "dagger", args...)
	progress, err := cmd.StderrPipe()
	must(t, err)
	must(t, start(cmd))

	var said strings.Builder
	lines := bufio.NewReader(progress)
	for !strings.Contains(said.String(), moment) {
		line, err := lines.ReadString('\n')
		said.WriteString(line)
		if err != nil {
			t.Fatalf("%s did not come to %q: %v\n%s", cmd, moment, cmd.Wait(), said.String())
		}
	}
	must(t, cmd.Process.Signal(syscall.SIGINT))
	// Who pressed Ctrl-C waits a little, not for ever.
	patience := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer patience.Stop()
	_, err = io.Copy(&said, lines)
	must(t, err)
	exit := (*exec.ExitError)(nil)
	if err := cmd.Wait(); !errors.As(err, &exit) {
		return false
	}
	noCanary(t, cmd.String(), []byte(said.String()))
	return exit.ExitCode() > 0
}
