package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/dev/talos"
	"github.com/pave-platform/pave/internal/fault"
)

// talosNetwork is what `pave dev talos` says when it is ready.
type talosNetwork struct {
	Machines string `json:"machines"` // folder
}

// Summary says what it follows, in one line.
func (s talosNetwork) Summary(w io.Writer) { fmt.Fprintln(w, "powering on what is in", s.Machines) }

func devTalosCommand(a *cli.App) *cobra.Command {
	var o talos.Options
	var dir, kubeconfig string
	cmd := &cobra.Command{
		Use:   "talos --machines DIR",
		Short: "Serve a double of Talos nodes: their machine API, and no operating system",
		Long: `Serve a double of Talos nodes: their machine API, and no operating system.

Each file NAME.json in the folder is a machine that is powered on, with "id",
"address" (one of this machine) and "config", a Talos machine config in base64; it
is gone when the file is. The nodes boot, reboot once, form an etcd when one of them
is told to, and answer as Talos does over TLS from their config. What stands behind
the cluster's Kubernetes endpoint is the API server of --kubernetes. Ends on SIGTERM
or Ctrl-C.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "machines"); err != nil {
				return err
			}
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return fault.Inputf("--machines: %w", err)
			}
			o.Log = a.Log
			if kubeconfig != "" {
				c, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
				if err != nil {
					return fault.Inputf("--kubernetes: %w", err)
				}
				backend, err := talos.NewBackend(c, a.Log)
				if err != nil {
					return fault.Inputf("--kubernetes: %w", err)
				}
				o.Kubernetes, o.Joined = backend, backend.Joined
			}
			world := talos.New(cmd.Context(), o)
			defer world.Close()
			if err := a.Emit(talosNetwork{dir}); err != nil {
				return err
			}
			if err := world.Follow(cmd.Context(), dir); err != nil {
				return fault.Failedf("%w", err)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "machines", "", "folder of the machines")
	f.StringVar(&kubeconfig, "kubernetes", "", "administrator's kubeconfig of the API server behind the endpoint (default: one that says only that it is ready)")
	f.DurationVar(&o.Step, "step", 200*time.Millisecond, "how long each part of a boot, and each etcd member's joining, takes")
	f.IntVar(&o.Port, "port", 0, "port of the machine API (default: Talos's own, 50000)")
	return cmd
}
