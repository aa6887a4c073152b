package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestNoSecretComesToLight sends marked secrets along the golden path, at the most talkative
// setting, and looks for them in everything that comes out of it. What commands print is
// searched by dagger itself, in every test.
func TestNoSecretComesToLight(t *testing.T) {
	t.Parallel()
	dir, out := application(t, nil), t.TempDir()
	report := filepath.Join(out, "report")
	talkative := append([]string{"--progress=plain", "-vvv"}, platform.goldenPath("canary/gitops")...)
	dagger(t, dir, append(talkative, "report", "export", "--path="+report)...).succeed(t)

	var summary struct{ Image struct{ Ref string } }
	content, err := os.ReadFile(filepath.Join(report, "summary.json"))
	must(t, err)
	must(t, json.Unmarshal(content, &summary))
	dagger(t, dir, "--progress=plain", "-vvv", "call", "-m", filepath.Join(platform.repository, "modules", "image"), "--ca="+platform.ca,
		"--registry-user=robot", "--registry-password=env://HARBOR_TOKEN",
		"export", "--ref="+summary.Image.Ref, "export", "--path="+filepath.Join(out, "oci")).succeed(t)

	bare := platform.bare("canary/gitops")
	for _, folder := range []string{report, filepath.Join(out, "oci"), platform.registry.dir, bare} {
		found, files, err := platform.canaries.inFolder(folder)
		must(t, err)
		if files < 4 {
			t.Errorf("%s has %d files: too few to have been searched", folder, files)
		}
		for _, secret := range found {
			t.Errorf("a secret in a file: %s", secret)
		}
	}
	for _, args := range [][]string{{"log", "--patch", "--all"}, {"cat-file", "--batch", "--batch-all-objects"}} {
		history, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", bare}, args...)...).Output()
		must(t, err)
		if !bytes.Contains(history, []byte("hello-go")) {
			t.Errorf("git %s does not show the deploy: %s", args, history)
		}
		noCanary(t, "git "+args[0], history)
	}
}
