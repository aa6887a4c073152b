package sign_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/steps/sign"
)

func TestProvenanceIsTheSLSAPredicate(t *testing.T) {
	t.Parallel()
	o := sign.ProvenanceOptions{
		Repository:   "git@git.example.com:team/app.git",
		Commit:       commit,
		Parameters:   map[string]string{"builder": "go", "platform": "linux/amd64"},
		Dependencies: []string{"pkg:golang/std?arch=amd64@1.26.8=sha256:" + sum},
		BuilderID:    "https://ci.example.com/runners/linux",
		InvocationID: "https://ci.example.com/runs/7",
		StartedOn:    time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)),
		Output:       filepath.Join(t.TempDir(), "new", "provenance.json"),
	}
	r, err := sign.Provenance(t.Context(), o)
	must(t, err)
	want := `{
  "buildDefinition": {
    "buildType": "https://github.com/pave-platform/pave/blob/main/docs/provenance.md#golden-path-v1",
    "externalParameters": {
      "source": "git+ssh://git@git.example.com/team/app.git@` + commit + `",
      "parameters": {
        "builder": "go",
        "platform": "linux/amd64"
      }
    },
    "internalParameters": {},
    "resolvedDependencies": [
      {
        "uri": "git+ssh://git@git.example.com/team/app.git@` + commit + `",
        "digest": {
          "gitCommit": "` + commit + `"
        }
      },
      {
        "uri": "pkg:golang/std?arch=amd64@1.26.8",
        "digest": {
          "sha256": "` + sum + `"
        }
      }
    ]
  },
  "runDetails": {
    "builder": {
      "id": "https://ci.example.com/runners/linux"
    },
    "metadata": {
      "invocationId": "https://ci.example.com/runs/7",
      "startedOn": "2026-01-02T02:04:05Z"
    }
  }
}
`
	if diff := cmp.Diff(want, string(read(t, r.Path))); diff != "" {
		t.Error(diff)
	}
}

func TestTheSameBuildGivesTheSameProvenance(t *testing.T) {
	t.Parallel()
	first, second := read(t, provenance(t, commit)), read(t, provenance(t, commit))
	if !bytes.Equal(first, second) {
		t.Errorf("first\n%s\nsecond\n%s", first, second)
	}
}

func TestProvenanceRefusesWhatItCannotState(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*sign.ProvenanceOptions)
		words string
	}{
		"an abbreviated commit":           {func(o *sign.ProvenanceOptions) { o.Commit = "0123456" }, "not a full Git commit hash"},
		"a branch for a commit":           {func(o *sign.ProvenanceOptions) { o.Commit = "main" }, "git rev-parse HEAD"},
		"a repository that is no URL":     {func(o *sign.ProvenanceOptions) { o.Repository = "team/app" }, "https://git.example.com"},
		"a password in the repository":    {func(o *sign.ProvenanceOptions) { o.Repository = "https://me:hunter2@git.example.com/a" }, "holds credentials"},
		"a token in the repository":       {func(o *sign.ProvenanceOptions) { o.Repository = "https://hunter2@git.example.com/a" }, "holds credentials"},
		"a builder that is no URI":        {func(o *sign.ProvenanceOptions) { o.BuilderID = "jenkins" }, "not a URI"},
		"a dependency without a digest":   {func(o *sign.ProvenanceOptions) { o.Dependencies = []string{"pkg:golang/std@1.26"} }, "URI=ALGORITHM:HEX"},
		"a dependency that is no URI":     {func(o *sign.ProvenanceOptions) { o.Dependencies = []string{"std=sha256:" + sum} }, "URI=ALGORITHM:HEX"},
		"a dependency's digest too short": {func(o *sign.ProvenanceOptions) { o.Dependencies = []string{"pkg:a/b=sha256:abc"} }, "URI=ALGORITHM:HEX"},
	} {
		dir := t.TempDir()
		o := sign.ProvenanceOptions{Repository: "https://git.example.com/a.git", Commit: commit, Output: filepath.Join(dir, "p.json")}
		c.spoil(&o)
		_, err := sign.Provenance(t.Context(), o)
		refused(t, err, fault.Input, c.words)
		if err != nil && bytes.Contains([]byte(err.Error()), []byte("hunter2")) {
			t.Errorf("%s: the error shows the secret: %v", name, err)
		}
		if files, _ := os.ReadDir(dir); len(files) != 0 {
			t.Errorf("%s: it left %v", name, files)
		}
	}
}
