package controlplane

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pave-platform/pave/hack/lab/program"
	"github.com/pave-platform/pave/internal/lab/server"
)

// start starts one of the servers, by the name and with the log that people
// know it by.
func (c *Cluster) start(ctx context.Context, p program.Program, args ...string) error {
	path, err := p.Path(ctx)
	if err != nil {
		return err
	}
	// The environment is empty: ETCD_… and proxies are this machine's, not the cluster's.
	started, err := c.options.Runner.Run(ctx, server.Spec{Name: p.Name, Path: path, Args: args, Log: c.file(p.Name + ".log")})
	if err != nil {
		return err
	}
	c.Servers = append(c.Servers, started)
	return nil
}

// Controllers starts the controller manager and the scheduler, and waits until
// the first has done something. They listen on loopback, at the ports that they
// always have: only one can run in a network.
func (c *Cluster) Controllers(ctx context.Context) error {
	if err := c.start(ctx, controllerManager,
		"--kubeconfig="+c.Kubeconfig, "--bind-address=127.0.0.1", "--leader-elect=false", "--use-service-account-credentials",
		"--service-account-private-key-file="+c.certs.Key, "--root-ca-file="+c.CAFile,
		"--node-monitor-grace-period=24h"); err != nil { // a node here has nowhere to go
		return err
	}
	if err := c.start(ctx, scheduler, "--kubeconfig="+c.Kubeconfig, "--bind-address=127.0.0.1", "--leader-elect=false"); err != nil {
		return err
	}
	return c.accountsAreMade(ctx)
}

// accountsAreMade waits until a namespace has its service account, without
// which no pod is admitted.
func (c *Cluster) accountsAreMade(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	accounts, err := c.Resource(schema.GroupVersionKind{Version: "v1", Kind: "ServiceAccount"}, metav1.NamespaceDefault)
	if err != nil {
		return err
	}
	for {
		_, err := accounts.Get(ctx, "default", metav1.GetOptions{})
		if err == nil {
			return nil
		}
		for _, p := range c.Servers {
			if err := p.Ended(); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}
