package argocd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/pave-platform/pave/hack/lab/program"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/lab/server"
)

// The addresses are loopback's, in the lab's own network.
const (
	redisAddress = "127.0.0.1:6379"
	repoServer   = "127.0.0.1:8081"

	repoServerMetrics  = "127.0.0.1:8084"
	controllerMetrics  = "127.0.0.1:8082"
	applicationSetsAre = "127.0.0.1:8085"
)

func (a *ArgoCD) file(name ...string) string {
	return filepath.Join(append([]string{a.o.Dir}, name...)...)
}

// The folders that Argo CD's containers have mounted.
const (
	binFolder     = "bin"
	homeFolder    = "home"
	tempFolder    = "tmp"
	tlsFolder     = "tls"
	sshFolder     = "ssh"
	keysFolder    = "gpg"
	keyringFolder = "gpg-home"
	pluginFolder  = "plugins"
	caFile        = "ca.crt"
)

// folders makes the folders, and one with the programs that Argo CD calls.
func (a *ArgoCD) folders(ctx context.Context, source string) error {
	for _, dir := range []string{binFolder, homeFolder, tempFolder, tlsFolder, sshFolder, keysFolder, keyringFolder, pluginFolder} {
		if err := os.MkdirAll(a.file(dir), 0o700); err != nil {
			return err
		}
	}
	if err := os.WriteFile(a.file(caFile), a.o.CA, 0o644); err != nil {
		return err
	}
	git, err := exec.LookPath("git")
	if err != nil {
		return fault.Failedf("the git program is not installed").Fix("install Git: apt-get install git")
	}
	links := map[string]string{"git": git}
	for name, p := range map[string]program.Program{
		"helm": helm, "kustomize": kustomize,
		"argocd": argoCD, // git asks it for passwords
	} {
		if links[name], err = p.Path(ctx); err != nil {
			return err
		}
	}
	for name, path := range links {
		if err := os.Symlink(path, a.file(binFolder, name)); err != nil {
			return err
		}
	}
	// Files in Go's module cache cannot be executed.
	for _, script := range []string{"git-verify-wrapper.sh", "gpg-wrapper.sh"} {
		content, err := os.ReadFile(filepath.Join(source, "hack", script))
		if err != nil {
			return err
		}
		if err := os.WriteFile(a.file(binFolder, script), content, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// appendCA adds certificates to those by which ApplicationSets' generators
// trust a Bitbucket or the like: for some at once, for Bitbucket Cloud's from
// the controller's first request on.
func (a *ArgoCD) appendCA(pem []byte) error {
	f, err := os.OpenFile(a.file(caFile), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(append(pem, '\n'))
	return errors.Join(err, f.Close())
}

func (a *ArgoCD) environment() []string {
	return []string{
		"PATH=" + a.file(binFolder) + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=" + a.file(homeFolder),
		"TMPDIR=" + a.file(tempFolder), // of clones, on the disk
		"KUBECONFIG=" + a.o.Cluster.Kubeconfig,
		"ARGOCD_FAKE_IN_CLUSTER=true",
		"ARGOCD_TLS_DATA_PATH=" + a.file(tlsFolder),
		"ARGOCD_SSH_DATA_PATH=" + a.file(sshFolder),
		"ARGOCD_GPG_DATA_PATH=" + a.file(keysFolder),
		"ARGOCD_GNUPGHOME=" + a.file(keyringFolder),
		"ARGOCD_PLUGINSOCKFILEPATH=" + a.file(pluginFolder),
		"ARGOCD_GPG_ENABLED=false",
		// How long a branch's commit is believed, how often an Application is
		// looked at, and an ApplicationSet whose generator does not say.
		"ARGOCD_RECONCILIATION_TIMEOUT=" + a.o.Refresh.String(),
		"ARGOCD_RECONCILIATION_JITTER=0s",
		"ARGOCD_APPLICATIONSET_CONTROLLER_REQUEUE_AFTER=" + a.o.Refresh.String(),
	}
}

func (a *ArgoCD) servers(path string) []server.Spec {
	component := func(name, healthy string, args ...string) server.Spec {
		return server.Spec{
			Name: name, Path: path, Args: args, Log: a.file(name + ".log"), Dir: a.file(homeFolder),
			Env: append(a.environment(), "ARGOCD_BINARY_NAME="+name),
			URL: "http://" + healthy + "/healthz",
		}
	}
	redis := server.Spec{
		Name: "redis", Path: Binaries[0], Dir: a.file(homeFolder), Log: a.file("redis.log"),
		Args:    []string{"--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--port", "6379"},
		Address: redisAddress,
	}
	sets := component("argocd-applicationset-controller", applicationSetsAre,
		"--namespace="+Namespace, "--metrics-addr=127.0.0.1:8083", "--probe-addr="+applicationSetsAre, "--webhook-addr=127.0.0.1:7000",
		"--argocd-repo-server="+repoServer, "--repo-server-plaintext", "--scm-root-ca-path="+a.file(caFile))
	sets.URL, sets.Address = "", applicationSetsAre // it has no check to answer for
	sets.Env = append(sets.Env, "SSL_CERT_FILE="+a.file(caFile))
	seconds := fmt.Sprint(int(a.o.Refresh.Seconds()))
	return []server.Spec{
		redis,
		component("argocd-repo-server", repoServerMetrics,
			"--address=127.0.0.1", "--port=8081", "--metrics-address=127.0.0.1", "--metrics-port=8084",
			"--redis="+redisAddress, "--disable-tls", "--client-ca-path=", "--revision-cache-expiration="+a.o.Refresh.String()),
		component("argocd-application-controller", controllerMetrics,
			"--namespace="+Namespace, "--metrics-port=8082", "--redis="+redisAddress, "--repo-server="+repoServer, "--repo-server-plaintext",
			"--app-resync="+seconds, "--status-processors=8", "--operation-processors=4"),
		sets,
	}
}
