package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestTheSameCommitGivesTheSameDigestOnAnyEngine builds the examples on the engine that all
// tests use and on a second one whose caches are empty.
func TestTheSameCommitGivesTheSameDigestOnAnyEngine(t *testing.T) {
	here := digests(t)
	t.Setenv("_EXPERIMENTAL_DAGGER_RUNNER_HOST", secondEngine(t, "e2e-second"))
	for example, digest := range digests(t) {
		if digest != here[example] {
			t.Errorf("%s is %s here and %s on an engine with empty caches", example, here[example], digest)
		}
	}
}

// digests builds the examples and gives their images' digests.
func digests(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, example := range []string{"hello-go", "hello-docker"} {
		tarball := filepath.Join(t.TempDir(), "image.tar")
		dagger(t, platform.repository, "call", "--prebuilt="+filepath.Join(platform.bin, "pave"),
			"golden-path", "--source=examples/"+example, "--commit=c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00",
			"image", "export", "--path="+tarball).succeed(t)
		described := finish(t, ".", "pave", "image", "inspect", "--tarball="+tarball, "--json").succeed(t)
		var image struct{ Digest string }
		must(t, json.Unmarshal([]byte(described.stdout), &image))
		found[example] = image.Digest
	}
	return found
}

// secondEngine starts an engine with empty caches for one test, and gives its address.
func secondEngine(t *testing.T, name string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "engine")
	finish(t, "../..", "go", "build", "-o", bin, "./hack/engine").succeed(t)
	down := func() {
		// Not with t's context: it has ended when this runs.
		cmd := exec.CommandContext(context.Background(), bin, "down", "--prune", "--name="+name)
		cmd.Dir = "../.."
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("engine down: %v\n%s", err, out)
		}
	}
	down() // what an earlier run may have left
	t.Cleanup(down)
	finish(t, "../..", bin, "up", "--name="+name).succeed(t)
	env := finish(t, "../..", bin, "env", "--name="+name).succeed(t).stdout
	address := regexp.MustCompile(`_EXPERIMENTAL_DAGGER_RUNNER_HOST='([^']+)'`).FindStringSubmatch(env)
	if address == nil {
		t.Fatalf("engine env names no address:\n%s", env)
	}
	if address[1] == os.Getenv("_EXPERIMENTAL_DAGGER_RUNNER_HOST") {
		t.Fatalf("the second engine is the first: %s", address[1])
	}
	return address[1]
}
