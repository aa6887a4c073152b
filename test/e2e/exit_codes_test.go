package e2e

import (
	"regexp"
	"testing"
)

// TestExitCodes tests that a pipeline can tell why it failed, and a person too.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source map[string]string
		args   []string
		code   int
		says   string
	}{
		"a gate that says no is 3, with the table": {
			args: []string{"--max-high=0", "run"}, code: 3, says: `(?m)HIGH +[1-9][0-9]* +0`,
		},
		"a malformed platform.yaml is 2, with line and column": {
			source: map[string]string{"platform.yaml": "apiVersion: pave/v1\nkind: Application\nmetadata: {name: a, team: b, project: c}\nspec: {prot: 8080}\n"},
			args:   []string{"run"}, code: 2, says: `platform\.yaml:4:8: .*prot`,
		},
		"code that does not compile is 2, with the compiler's own line": {
			source: map[string]string{"page.go": "package main\n\nvar title = undefined\n"},
			args:   []string{"image"}, code: 2, says: `(?m)page\.go:3:13: undefined: undefined`,
		},
		"a registry that cannot be reached is 1": {
			args: []string{"--registry=127.0.0.1:1", "--signing-key=env://COSIGN_PASSWORD", "publish"}, code: 1, says: `127\.0\.0\.1:1.*refuses connections`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := application(t, c.source)
			got := dagger(t, dir, append([]string{"call", "-m", platform.repository, "golden-path", "--source=.", "--database=" + platform.database}, c.args...)...)
			if got.code != c.code {
				t.Errorf("exit code %d, want %d", got.code, c.code)
			}
			if said := got.stdout + got.stderr; !regexp.MustCompile(c.says).MatchString(said) {
				t.Errorf("%q is not in\n%s", c.says, said)
			}
		})
	}
}
