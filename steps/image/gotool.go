package image

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pave-platform/pave/internal/fault"
)

// goTool runs the local go command in one source folder for one platform.
type goTool struct {
	dir string
	env []string
}

func newGoTool(dir, platform string, env []string) (*goTool, error) {
	target, err := goPlatform(platform)
	if err != nil {
		return nil, err
	}
	for _, e := range env {
		if name, _, ok := strings.Cut(e, "="); !ok || name == "" {
			return nil, fault.Inputf("environment %q for the compiler", e).Fix("write it as NAME=value")
		}
	}
	all := append(ambient(), env...)
	return &goTool{dir: dir, env: append(append(all, target...), "CGO_ENABLED=0")}, nil
}

// ambient is this process's environment without what changes the code that the
// compiler makes: the digest must not depend on who builds.
func ambient() []string {
	return slices.DeleteFunc(os.Environ(), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.Contains(codeVariables, name)
	})
}

var codeVariables = []string{"GOFLAGS", "GOEXPERIMENT", "GO386", "GOAMD64", "GOARM", "GOARM64", "GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64", "GOFIPS140"}

// settings are the parts of go env that a build needs.
type settings struct{ GOROOT, GOVERSION string }

func (g *goTool) settings(ctx context.Context) (s settings, err error) {
	out, err := g.run(ctx, "env", "-json", "GOROOT", "GOVERSION")
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(out, &s)
}

// goPackage is a package as go list describes it.
type goPackage struct{ ImportPath, Name, Dir string }

func (g *goTool) list(ctx context.Context, patterns ...string) ([]goPackage, error) {
	out, err := g.run(ctx, append([]string{"list", "-e", "-json=ImportPath,Name,Dir", "--"}, patterns...)...)
	if err != nil {
		return nil, err
	}
	var all []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
}

// build compiles a main package without anything of this machine in it.
func (g *goTool) build(ctx context.Context, pkg, output string) error {
	_, err := g.run(ctx, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", output, "--", pkg)
	return err
}

func (g *goTool) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = g.dir, g.env
	// An interrupted go ends its compilers and removes its files.
	cmd.Cancel = func() error {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			return cmd.Process.Kill()
		}
		return nil
	}
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case err == nil:
		return stdout.Bytes(), nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return nil, fault.Failedf("there is no go command").Fix("install Go, or run this step in a Go builder image")
	}
	return nil, g.explain(err, stderr.String())
}

var (
	// noise is what go says of its own work, not of the source.
	noise = regexp.MustCompile(`^(# |go: downloading |go: finding |go: extracting )`)
	// network is how go words a module proxy that does not answer.
	network = regexp.MustCompile(`dial tcp|i/o timeout|connection refused|no such host|TLS handshake|x509: |\b(502|503|504) `)
)

// explain leaves the compiler's own lines.
func (g *goTool) explain(err error, stderr string) error {
	var lines []string
	for line := range strings.Lines(stderr) {
		if line = strings.TrimRight(line, "\r\n"); line != "" && !noise.MatchString(line) {
			lines = append(lines, line)
		}
	}
	text := strings.Join(lines, "\n")
	switch {
	case text == "":
		return fault.Failedf("go: %w", err)
	case network.MatchString(text):
		return fault.Failedf("go cannot fetch modules:\n%s", text)
	}
	return fault.Inputf("%s does not compile:\n%s", g.dir, text)
}

// goPlatform turns os/arch[/variant] into Go's variables.
func goPlatform(platform string) ([]string, error) {
	const form = "write it as linux/amd64, linux/arm64 or linux/arm/v7"
	parts := strings.Split(platform, "/")
	if len(parts) < 2 || len(parts) > 3 || parts[0] != "linux" || parts[1] == "" {
		return nil, fault.Inputf("platform %q", platform).Fix(form)
	}
	env := []string{"GOOS=" + parts[0], "GOARCH=" + parts[1]}
	if len(parts) == 2 {
		return env, nil
	}
	version := strings.TrimPrefix(parts[2], "v")
	switch parts[1] {
	case "arm":
		return append(env, "GOARM="+version), nil
	case "amd64":
		return append(env, "GOAMD64=v"+version), nil
	case "arm64":
		if version == "8" {
			return env, nil
		}
	}
	return nil, fault.Inputf("platform %q: unknown variant", platform).Fix(form)
}
