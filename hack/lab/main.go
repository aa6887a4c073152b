// Command lab starts a real Kubernetes, and around it Argo CD, a node, a
// registry, a Git server and operators, for people who want to see. Run it at
// the repository's root, as root, on Linux:
//
//	go run ./hack/lab up --with argocd,kubelet,registry,git
//	eval "$(go run ./hack/lab env)"     # in another terminal
//	go run ./hack/lab logs kubelet
//	go run ./hack/lab down
//
// What it starts ends with it, even if it is killed. Tests use internal/lab.
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
var errDown = errors.New("no lab runs")

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := rootCommand(os.Stdout, os.Stderr).ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errDown):
		return int(fault.Failed) // it has been said
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "lab: interrupted")
		return int(fault.Failed)
	}
	fmt.Fprintln(os.Stderr, "lab:", err)
	return int(fault.KindOf(err))
}
