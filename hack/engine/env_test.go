package main

import (
	"os/exec"
	"strings"
	"testing"
)

func TestEnvIsUnderstoodByAShell(t *testing.T) {
	for name, c := range map[string]struct{ cli, address, want string }{
		"an engine of ours": {
			"/root/.cache/cli", "unix:///run/dagger/engine.sock",
			"/root/.cache/cli:/bin|unix:///run/dagger/engine.sock|1|1",
		},
		"Docker's engine": {"/root/.cache/cli", "", "/root/.cache/cli:/bin||1|1"},
		"a folder that a shell would take apart": {
			"/home/o'neil/$HOME `x`", "", "/home/o'neil/$HOME `x`:/bin||1|1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var lines strings.Builder
			if err := printEnv(&lines, c.cli, c.address); err != nil {
				t.Fatal(err)
			}
			script := lines.String() + `echo "$PATH|$_EXPERIMENTAL_DAGGER_RUNNER_HOST|$DO_NOT_TRACK|$DAGGER_NO_NAG"`
			sh := exec.Command("/bin/sh", "-eu", "-c", script)
			sh.Env = []string{"PATH=/bin", "_EXPERIMENTAL_DAGGER_RUNNER_HOST="}
			got, err := sh.Output()
			if err != nil {
				t.Fatalf("%v in:\n%s", err, script)
			}
			if strings.TrimSpace(string(got)) != c.want {
				t.Errorf("got %s want %s", got, c.want)
			}
		})
	}
}
