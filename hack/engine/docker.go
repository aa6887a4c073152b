package main

import (
	"context"
	"os/exec"
	"time"

	"github.com/pave-platform/pave/internal/buildcache"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/subprocess"
)

// mayBeDockers says whether Dagger's own engine in Docker serves as this
// instance. Only as the default: Dagger keeps one engine per Docker host.
func (i instance) mayBeDockers(ctx context.Context) bool {
	return i.name == DefaultName && dockerAnswers(ctx)
}

// dockerAnswers says whether there is a Docker daemon, not merely its client.
func dockerAnswers(ctx context.Context) bool {
	if _, err := exec.LookPath("docker"); err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return subprocess.Command(ctx, "docker", "version", "--format", "{{.Server.Version}}").Run() == nil
}

// upInDocker builds the matching CLI, which starts the engine by itself.
func upInDocker(ctx context.Context, c *buildcache.Cache) error {
	source, key, err := toolsSource(ctx)
	if err != nil {
		return err
	}
	unlock, err := c.Lock(ctx)
	if err != nil {
		return err
	}
	cli, err := makeCLI(ctx, c, source, key)
	unlock()
	if err != nil {
		return err
	}
	if err := c.Stage("waiting for Dagger's engine in Docker", func() error { return query(ctx, cli, "") }); err != nil {
		return fault.Failedf("Dagger's engine in Docker: %w", err).
			Fix("see that registry.dagger.io/engine:%s can be pulled", DaggerVersion)
	}
	c.Sayf("Dagger %s answers in Docker", DaggerVersion)
	return nil
}

// dockerCLI gives the folder of the CLI that upInDocker made.
func dockerCLI(ctx context.Context, c *buildcache.Cache) (string, error) {
	_, key, err := toolsSource(ctx)
	if err != nil {
		return "", err
	}
	if !c.Has("cli", key) {
		return "", fault.Failedf("the dagger CLI %s is not built", DaggerVersion).Fix("use `go run ./hack/engine up`")
	}
	return c.Path("cli", key), nil
}
