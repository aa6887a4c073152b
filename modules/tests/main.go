// Tests of every module, through a real engine: dagger call -m modules/tests all.
//
// One function per module; each can be called alone.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"dagger/tests/internal/dagger"
)

// Tests are the modules' tests.
type Tests struct {
	// +private
	Tools *dagger.Container
	// +private
	Examples *dagger.Directory
}

// New chooses the binary under test.
func New(
	// A static pave binary that is already built; built from source by default.
	// +optional
	prebuilt *dagger.File,
	// The example applications.
	// +defaultPath="/examples"
	// +ignore=["**/out", "go-sdk", "team-module"]
	examples *dagger.Directory,
) *Tests {
	// Content of its own: the engine knows directories by their content, and would give
	// another session that has the same examples this module's, which that session cannot
	// load (dagger/dagger#11625, mended after v0.19.10).
	for _, example := range []string{"hello-go", "hello-docker"} {
		examples = examples.WithNewFile(example+"/TESTED", "by modules/tests\n")
	}
	return &Tests{Tools: dag.Toolbox(dagger.ToolboxOpts{Prebuilt: prebuilt}).Container(), Examples: examples}
}

// All runs every test.
// +cache="never"
func (t *Tests) All(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(3)
	for name, test := range map[string]func(context.Context) error{
		"toolbox": t.Toolbox, "image": t.Image, "sbom": t.Sbom, "scan": t.Scan,
		"sign": t.Sign, "contract": t.Contract, "policy": t.Policy, "chart": t.Chart, "deploy": t.Deploy,
		"promote": t.Promote, "preview": t.Preview, "mirror": t.Mirror, "bootstrap": t.Bootstrap, "golden path": t.GoldenPath, "release image": t.ReleaseImage,
	} {
		group.Go(func() error {
			if err := test(ctx); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// servers are a registry and a Git server, with the container that reaches them.
type servers struct {
	tools    *dagger.Container
	ca       *dagger.File
	password *dagger.Secret
	token    *dagger.Secret
	stop     func()
}

const (
	registryHost = "registry:5000"
	registryUser = "robot"
	gitHost      = "https://git:8443"
)

// start starts servers of one test's own: name keeps them apart from other tests'.
func (t *Tests) start(ctx context.Context, name string, repositories ...string) (*servers, error) {
	lab := dag.Lab(dagger.LabOpts{Toolbox: t.Tools})
	tls := lab.TLS([]string{"registry", "git"})
	s := &servers{
		ca:       tls.File("ca.crt"),
		password: dag.SetSecret(name+"-registry-password", rand.Text()),
		token:    dag.SetSecret(name+"-git-token", rand.Text()),
	}
	registry, err := lab.Registry(tls, dagger.LabRegistryOpts{Username: registryUser, Password: s.password}).Start(ctx)
	if err != nil {
		return nil, err
	}
	s.tools = t.Tools.WithServiceBinding("registry", registry)
	s.stop = func() { _, _ = registry.Stop(context.WithoutCancel(ctx)) }
	if len(repositories) == 0 {
		return s, nil
	}
	git, err := lab.Git(tls, repositories, dagger.LabGitOpts{Token: s.token, Protect: "protected"}).Start(ctx)
	if err != nil {
		s.stop()
		return nil, err
	}
	s.tools = s.tools.WithServiceBinding("git", git)
	s.stop = func() {
		_, _ = registry.Stop(context.WithoutCancel(ctx))
		_, _ = git.Stop(context.WithoutCancel(ctx))
	}
	return s, nil
}

// refused wants err to be pave's: with this exit code and these words.
func refused(err error, code int, words string) error {
	var exec *dagger.ExecError
	switch {
	case err == nil:
		return fmt.Errorf("nothing was refused, want exit code %d and %q", code, words)
	case !errors.As(err, &exec):
		return fmt.Errorf("want exit code %d and %q, got: %w", code, words, err)
	case exec.ExitCode != code || !strings.Contains(exec.Stderr+exec.Stdout, words):
		return fmt.Errorf("want exit code %d and %q, got exit code %d and %s", code, words, exec.ExitCode, exec.Stderr)
	}
	return nil
}

// decode reads the JSON result of a step.
func decode[T any](text string, err error) (T, error) {
	var v T
	if err != nil {
		return v, err
	}
	err = json.Unmarshal([]byte(text), &v)
	return v, err
}

// want compares what is with what should be.
func want[T comparable](what string, got, expected T) error {
	if got != expected {
		return fmt.Errorf("%s is %v, want %v", what, got, expected)
	}
	return nil
}

// hello is the example's image, as an OCI tarball.
func (t *Tests) hello() *dagger.File {
	return dag.Image(dagger.ImageOpts{Toolbox: t.Tools}).Build(t.Examples.Directory("hello-go"))
}
