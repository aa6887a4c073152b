//go:build linux

package main

import (
	"context"
	"encoding/json"
	"io"
	"net/netip"
	"os"

	"github.com/pave-platform/pave/internal/lab/controlplane"
	labserver "github.com/pave-platform/pave/internal/lab/server"
)

// apiserver is the lab's real etcd and kube-apiserver. It is a role because all
// that it does is in the network in which it was started.
func apiserver(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "pave-k8s-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	port, release, err := controlplane.ReservePort()
	if err != nil {
		return err
	}
	defer release()
	c, err := controlplane.Start(ctx, controlplane.Options{
		Runner: labserver.Host{}, Dir: dir, Address: netip.AddrFrom4([4]byte{127, 0, 0, 1}), Port: port,
	})
	if err != nil {
		return err
	}
	defer func() {
		for _, p := range c.Servers {
			_ = p.Kill()
		}
	}()
	if err := json.NewEncoder(out).Encode(map[string]string{"kubeconfig": c.Kubeconfig}); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
