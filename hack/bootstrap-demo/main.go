//go:build linux

// The demo of the bootstrap: five machines of a simulated vCenter become a
// Kubernetes cluster, get a sixth, lose everything, come back from a snapshot, and
// go. Every step is the pave binary in a process of its own, in one of two networks
// of which neither sees the other, as the two runners of a platform are.
//
// What is real: pave, govmomi's vCenter simulator with its API over TLS, the Talos
// machine configs, mutual TLS from the cluster's own secrets, etcd and kube-apiserver
// behind the cluster's endpoint. What is a double: the Talos nodes (pave dev talos).
//
//	go run ./hack/bootstrap-demo            # as root, on Linux
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// roleVariable makes this program one of the things that the demo needs besides
// pave.
const roleVariable = "PAVE_DEMO_ROLE"

// roles are they.
var roles = map[string]func(context.Context, io.Writer) error{
	"hypervisor": hypervisor,
	"apiserver":  apiserver,
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process: it gives the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if role := os.Getenv(roleVariable); role != "" {
		if err := roles[role](ctx, stdout); err != nil && ctx.Err() == nil {
			fmt.Fprintf(stderr, "%s: %v\n", role, err)
			return 1
		}
		return 0
	}
	flags := flag.NewFlagSet("bootstrap-demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	pave := flags.String("pave", "", "the pave binary (default: built from this repository)")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if err := demo(ctx, *pave, stdout, stderr); err != nil {
		if errors.Is(ctx.Err(), context.Canceled) {
			err = errors.New("interrupted")
		}
		fmt.Fprintln(stderr, "bootstrap-demo:", err)
		return 1
	}
	return 0
}

// demo shows it in a temporary folder.
func demo(ctx context.Context, pave string, stdout, stderr io.Writer) (err error) {
	if os.Geteuid() != 0 {
		return errors.New("it needs root, for network namespaces")
	}
	dir, err := os.MkdirTemp("", "pave-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if pave == "" {
		if pave, err = build(ctx, dir, stderr); err != nil {
			return err
		}
	}
	s, err := newStage(dir, pave, stdout)
	if err != nil {
		return err
	}
	defer s.close()
	return s.play(ctx)
}
