// Command engine gives this repository a Dagger engine, on a machine with
// Docker and on one without.
//
//	go run ./hack/engine up       # makes what is missing, starts, waits until it answers
//	eval "$(go run ./hack/engine env)"
//	go run ./hack/engine down     # leaves nothing running or mounted
//
// Where a Docker daemon answers, Dagger starts its own engine there and only
// the matching dagger CLI is built. Elsewhere (Linux, root) the engine and its
// parts are compiled from Go modules, put on a Debian root made by debootstrap,
// and run in namespaces of their own: nothing is installed on the host beyond
// debootstrap itself, and everything made is cached by content.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/pave-platform/pave/internal/fault"
)

// errDown is the exit code of a `status` that has told the rest itself.
var errDown = errors.New("no engine answers")

func main() { os.Exit(run()) }

func run() int {
	// Root's PATH does not everywhere lead to debootstrap and what it calls.
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		return int(fault.Failed)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := rootCommand(os.Stdout, os.Stderr).ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errDown):
		return int(fault.Failed) // it has been said
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "engine: interrupted")
		return int(fault.Failed)
	}
	fmt.Fprintln(os.Stderr, "engine:", err)
	return int(fault.KindOf(err))
}
