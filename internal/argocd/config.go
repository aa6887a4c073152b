package argocd

import (
	"errors"
	"net"
	"net/url"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/pave-platform/pave/internal/fault"
)

// config gives the connection that o names.
func (o Options) config() (*rest.Config, error) {
	if o.Kubeconfig.IsZero() {
		return o.inCluster()
	}
	raw, err := o.Kubeconfig.Read()
	if err != nil {
		return nil, err
	}
	// The parser's errors can quote what they read, and that is a secret.
	parsed, err := clientcmd.Load(raw)
	if err != nil {
		return nil, fault.Inputf("%s is not a kubeconfig", o.where()).Fix("give the file that kubectl works with")
	}
	if o.Kubeconfig.File != "" {
		if err := relative(parsed, o.Kubeconfig.File); err != nil {
			return nil, err
		}
	}
	name := o.Context
	if name == "" {
		name = parsed.CurrentContext
	}
	if err := o.check(parsed, name); err != nil {
		return nil, err
	}
	config, err := clientcmd.NewNonInteractiveClientConfig(*parsed, name, &clientcmd.ConfigOverrides{}, nil).ClientConfig()
	if err != nil {
		return nil, fault.Inputf("%s: %w", o.where(), err)
	}
	if o.CAFile != "" && len(config.CAData) == 0 && config.CAFile == "" {
		config.CAFile = o.CAFile
	}
	return config, nil
}

func (o Options) inCluster() (*rest.Config, error) {
	if o.Context != "" {
		return nil, fault.Inputf("context %q is of no kubeconfig", o.Context).Fix("give --kubeconfig-file or --kubeconfig-env")
	}
	config, err := rest.InClusterConfig()
	if errors.Is(err, rest.ErrNotInCluster) {
		return nil, fault.Inputf("no cluster is given, and this is not a pod of one").Fix("give --kubeconfig-file or --kubeconfig-env")
	}
	if err != nil {
		return nil, fault.Inputf("the pod's service account: %w", err)
	}
	return config, nil
}

func (o Options) where() string {
	if o.Kubeconfig.File != "" {
		return "kubeconfig " + o.Kubeconfig.File
	}
	return "the kubeconfig in " + o.Kubeconfig.Env
}

// relative resolves the paths in a kubeconfig from the folder that it is in, as
// kubectl does.
func relative(c *clientcmdapi.Config, file string) error {
	absolute, err := filepath.Abs(file)
	if err != nil {
		return fault.Inputf("kubeconfig: %w", err)
	}
	for _, cluster := range c.Clusters {
		cluster.LocationOfOrigin = absolute
	}
	for _, user := range c.AuthInfos {
		user.LocationOfOrigin = absolute
	}
	if err := clientcmd.ResolveLocalPaths(c); err != nil {
		return fault.Inputf("kubeconfig: %w", err)
	}
	return nil
}

// check refuses a kubeconfig that would run a program, or talk to a server that is
// not verified. A kubeconfig comes out of a secret store or another job: it says
// where to connect, not what to execute with the rights of the pipeline.
func (o Options) check(c *clientcmdapi.Config, name string) error {
	context := c.Contexts[name]
	if context == nil {
		return fault.Inputf("%s has no context %q", o.where(), name).Fix("choose one of its contexts with --kube-context")
	}
	cluster, user := c.Clusters[context.Cluster], c.AuthInfos[context.AuthInfo]
	if cluster == nil {
		return fault.Inputf("%s: context %s is of cluster %q, which it does not have", o.where(), name, context.Cluster)
	}
	if user != nil && (user.Exec != nil || user.AuthProvider != nil) {
		return fault.Inputf("%s: user %s runs a program to log in, which pave does not do", o.where(), context.AuthInfo).
			Fix("give a kubeconfig with a token or a client certificate, of a service account for instance")
	}
	if cluster.InsecureSkipTLSVerify {
		return fault.Inputf("%s: cluster %s is not verified (insecure-skip-tls-verify)", o.where(), context.Cluster).
			Fix("put the cluster's CA into the kubeconfig, or give it with --ca-file")
	}
	return o.secure(cluster.Server)
}

// secure refuses plain http except for loopback.
func (o Options) secure(server string) error {
	u, err := url.Parse(server)
	switch {
	case err != nil || u.Host == "":
		return fault.Inputf("%s: %q is not a server's address", o.where(), server)
	case u.User != nil:
		return fault.Inputf("%s: the server's address holds credentials", o.where()).Fix("put them into the user's part")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return fault.Inputf("%s: %s is not https: plain http is for loopback only", o.where(), server)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
