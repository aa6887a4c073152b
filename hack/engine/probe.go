package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/pave-platform/pave/internal/subprocess"
)

// probe asks the engine at address for its version, as any client would: with
// the CLI in the folder cli.
func probe(ctx context.Context, cli, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return query(ctx, cli, address)
}

func query(ctx context.Context, cli, address string) error {
	cmd := subprocess.Command(ctx, cliPath(cli), "--silent", "query", "--no-mod")
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), clientEnv(address)...)
	cmd.Stdin = strings.NewReader("{version}")
	answer, err := subprocess.Output(cmd)
	if err == nil && !strings.Contains(answer, DaggerVersion) {
		err = fmt.Errorf("it answers %q", answer)
	}
	return err
}
