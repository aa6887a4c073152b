package e2e

import (
	"path/filepath"
	"testing"
)

// TestModules runs the modules' own tests, which are a module too.
func TestModules(t *testing.T) {
	t.Parallel()
	dagger(t, platform.repository, "call", "-m", filepath.Join("modules", "tests"), "all").succeed(t)
}

// TestModulesRegenerateWithoutADiff tests that what is committed fits together: each
// module's settings, go.mod and ignore files are those that Dagger would write.
func TestModulesRegenerateWithoutADiff(t *testing.T) {
	t.Parallel()
	clone := t.TempDir()
	git(t, clone, "clone", "--quiet", platform.repository, ".")
	for _, module := range []string{"modules/tests", "modules/bootstrap", "examples/team-module"} {
		dagger(t, clone, "develop", "--recursive", "-m", module).succeed(t)
	}
	if changed := git(t, clone, "status", "--porcelain"); changed != "" {
		t.Errorf("dagger develop changed\n%s\n%s", changed, git(t, clone, "diff"))
	}
}
