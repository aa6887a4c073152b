package e2e

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// readmes are all that have commands, in an order that makes the inputs of later ones, with
// the folder that their reader is in: the application's, or one of this repository.
var readmes = []struct{ file, in string }{
	{"modules/lab/README.md", "application"},
	{"modules/toolbox/README.md", "application"},
	{"modules/image/README.md", "application"},
	{"modules/sbom/README.md", "application"},
	{"modules/scan/README.md", "application"},
	{"modules/sign/README.md", "application"},
	{"modules/contract/README.md", "application"},
	{"modules/chart/README.md", "application"},
	{"modules/policy/README.md", "application"},
	{"golden-path/policies/README.md", "application"},
	{"modules/deploy/README.md", "application"},
	{"README.md", "application"},
	{"modules/promote/README.md", "application"},
	{"modules/preview/README.md", "application"},
	{"modules/mirror/README.md", "application"},
	{"modules/bootstrap/README.md", "application"},
	{"examples/hello-go/README.md", "examples/hello-go"},
	{"examples/hello-docker/README.md", "examples/hello-docker"},
	{"examples/team-module/README.md", "."},
	{"examples/go-sdk/README.md", "examples/go-sdk"},
}

// TestREADMEs runs every command of every README. The application is a repository outside
// this one: what works there works for a team that has nothing but its own source.
func TestREADMEs(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	for _, readme := range readmes {
		ok := t.Run(readme.file, func(t *testing.T) {
			dir := r.application
			if readme.in != "application" {
				dir = filepath.Join(platform.repository, readme.in)
			}
			commands := commandsIn(t, filepath.Join(platform.repository, readme.file))
			if len(commands) == 0 {
				t.Error("there is no command to run")
			}
			if readme.file == "modules/promote/README.md" {
				r.production(t)
			}
			for _, command := range commands {
				r.run(t, dir, command)
			}
		})
		if !ok {
			t.Fatal("the commands of later READMEs need what this one makes")
		}
	}
}

func TestEveryREADMEWithCommandsIsRun(t *testing.T) {
	t.Parallel()
	for _, file := range strings.Fields(git(t, platform.repository, "ls-files", "README.md", "**/README.md")) {
		known := slices.ContainsFunc(readmes, func(r struct{ file, in string }) bool { return r.file == file })
		if len(commandsIn(t, filepath.Join(platform.repository, file))) > 0 && !known {
			t.Errorf("%s has commands that no test runs", file)
		}
	}
}

// commandsIn gives the commands of a Markdown file: lines that begin with a dollar sign in
// fenced blocks of console, with their continuations. Commands in other fences would
// escape, so there may be none.
func commandsIn(t *testing.T, file string) (commands []string) {
	t.Helper()
	content, err := os.ReadFile(file)
	must(t, err)
	fence := ""
	for lines := bufio.NewScanner(strings.NewReader(string(content))); lines.Scan(); {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "```") && fence == "":
			fence = line
			if strings.HasPrefix(line, "```sh") || strings.HasPrefix(line, "```bash") {
				t.Errorf("%s: commands in %s are not run; write them as ```console with a dollar sign", file, line)
			}
		case strings.HasPrefix(line, "```"):
			fence = ""
		case fence == "```console" && strings.HasPrefix(line, "$ "):
			command := strings.TrimPrefix(line, "$ ")
			for strings.HasSuffix(command, `\`) && lines.Scan() {
				command += "\n" + lines.Text()
			}
			commands = append(commands, command)
		}
	}
	return commands
}

// reader is somebody who does what the READMEs say.
type reader struct {
	application string
	port        string // where a server that a README starts listens
	says        *strings.Replacer
}

func newReader(t *testing.T) *reader {
	r := &reader{application: application(t, nil), port: freePort(t)}
	ca, err := os.ReadFile(platform.ca)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(r.application, "ca.crt"), ca, 0o600))
	push := exec.CommandContext(t.Context(), platform.pave(), "dev", "vulndb", "--output", t.TempDir(), "--ca-file", platform.ca,
		"--registry-username", "robot", "--registry-password-env", "HARBOR_TOKEN",
		"--push", platform.registry.host+"/library/trivy-db:2")
	if out, err := push.CombinedOutput(); err != nil {
		t.Fatalf("the mirror of the vulnerability database: %v\n%s", err, out)
	}
	r.prepare(t)
	r.says = strings.NewReplacer(
		"go install github.com/pave-platform/pave/cmd/pave@main", "go install -C "+platform.repository+" ./cmd/pave",
		"github.com/pave-platform/pave/modules/image@v0.1.0", filepath.Join(platform.repository, "modules", "image"),
		"github.com/pave-platform/pave", platform.repository,
		"harbor.example.com", platform.registry.host,
		"git.example.com", platform.git.host,
		"--ports 5000:5000", "--ports "+r.port+":5000",
	)
	return r
}

// rules say how to run a command; the first that fits is taken.
var rules = []struct {
	command *regexp.Regexp
	run     func(r *reader, t *testing.T, dir, command string)
}{
	{regexp.MustCompile(`^make `), (*reader).target},
	{regexp.MustCompile(`(?s)^dagger call .* up --ports `), (*reader).serve},
	{regexp.MustCompile(`^go run \.( |$)`), (*reader).serve},
	{regexp.MustCompile(`(?s)^dagger call .*/modules/image.* publish `), (*reader).publish},
	{regexp.MustCompile(`^dagger install `), (*reader).install},
	{regexp.MustCompile(`^dagger (call|check|run) `), (*reader).finish},
	{regexp.MustCompile(`^(GOEXPERIMENT=jsonv2 go install|go test|pave) `), (*reader).finish},
}

func (r *reader) run(t *testing.T, dir, command string) {
	t.Helper()
	for _, rule := range rules {
		if rule.command.MatchString(command) {
			t.Log("$", command)
			rule.run(r, t, dir, r.says.Replace(command))
			return
		}
	}
	t.Errorf("no rule knows how to run %q", command)
}
