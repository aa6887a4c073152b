// Package e2e drives everything as its users do: through the dagger command line, a real
// engine, a registry and a Git server with TLS and passwords.
//
// It promises that what the READMEs say works: each command in them is run here.
package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// platform is what all tests share. They keep apart by the names of their GitOps repositories.
var platform *lab

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := engineAnswers(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		fmt.Fprintln(os.Stderr, `run "make test", or "go run ./hack/engine up" and eval "$(go run ./hack/engine env)"`)
		return 1
	}
	dir, err := os.MkdirTemp("", "pave-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	platform, err = newLab(ctx, dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer platform.close()
	return m.Run()
}

// engineAnswers fails when there is no dagger, or no engine behind it.
func engineAnswers(ctx context.Context) error {
	const patience = 2 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := exec.LookPath("dagger"); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "dagger", "core", "--silent", "version").CombinedOutput(); err != nil {
		return fmt.Errorf("no Dagger engine answers within %s: %w\n%s", patience, err, out)
	}
	return nil
}
