package e2e

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/dev/vcenter"
)

// prepare makes what the READMEs take for granted in somebody's folder: the upstream
// registry that is mirrored, and a vCenter.
func (r *reader) prepare(t *testing.T) {
	t.Helper()
	r.upstream(t)
	r.vcenter(t)
}

// pave runs the binary in the reader's folder, at the platform's registry.
func (r *reader) pave(t *testing.T, registry bool, args ...string) {
	t.Helper()
	if registry {
		args = append(args, "--ca-file", platform.ca, "--registry-username", "robot", "--registry-password-env", "HARBOR_TOKEN")
	}
	cmd := exec.CommandContext(t.Context(), platform.pave(), args...)
	cmd.Dir = r.application
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

// upstream is the internet's registries, in the platform's: the example's list with other
// addresses, and one of its images.
func (r *reader) upstream(t *testing.T) {
	t.Helper()
	example := filepath.Join(platform.repository, "examples", "mirror")
	list, err := os.ReadFile(filepath.Join(example, "images.yaml"))
	must(t, err)
	text := regexp.MustCompile(`source: [a-z.]+/`).ReplaceAllString(string(list), "source: "+platform.registry.host+"/upstream/")
	text = strings.ReplaceAll(text, "harbor.example.internal", platform.registry.host)
	dir := filepath.Join(r.application, "examples", "mirror")
	must(t, os.MkdirAll(dir, 0o755))
	root, err := os.ReadFile(filepath.Join(example, "trusted_root.json"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "trusted_root.json"), root, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "images.yaml"), []byte(text), 0o600))

	tarball := filepath.Join(t.TempDir(), "alpine.tar")
	r.pave(t, false, "image", "build", "--source", r.application, "--output", tarball)
	r.pave(t, true, "image", "publish", "--tarball", tarball, "--ref", platform.registry.host+"/upstream/library/alpine:3.22")
}

// vcenter starts a vCenter at an address that containers reach, and writes the cluster.yaml
// for it.
func (r *reader) vcenter(t *testing.T) {
	t.Helper()
	folder := filepath.Dir(platform.ca)
	certificate, err := tls.LoadX509KeyPair(filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key"))
	must(t, err)
	host, _, err := net.SplitHostPort(platform.registry.host)
	must(t, err)
	server, err := vcenter.Start(vcenter.Options{
		Addr: net.JoinHostPort(host, "0"), Certificate: certificate, Username: os.Getenv("VSPHERE_USER"), Password: os.Getenv("VSPHERE_PASSWORD"),
	})
	must(t, err)
	t.Cleanup(server.Close)
	sum, err := vcenter.WriteOVA(filepath.Join(r.application, "talos.ova"), 1<<20)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(r.application, "cluster.yaml"), fmt.Appendf(nil, `apiVersion: pave/v1
kind: Cluster
metadata: {name: readme, project: idp, environment: staging}
spec:
  vip: 10.20.0.10
  kubernetes: 1.36.0
  talos: 1.13.0
  vsphere: {server: %q, datacenter: %s, cluster: %s, datastore: %s, network: %s}
  ova: {file: talos.ova, sha256: %s}
  install: {factory: factory.example.internal}
  network: {gateway: 10.20.0.1, dns: [10.20.0.2], ntp: [10.20.0.3]}
  nodes:
    - {name: cp-1, role: controlplane, address: 10.20.0.11/24, cpu: 2, memory: 2Gi, disk: 10Gi}
    - {name: w-1, role: worker, address: 10.20.0.21/24, cpu: 2, memory: 2Gi, disk: 10Gi}
  recipients: [%s]
`, server.Host, vcenter.Datacenter, vcenter.Cluster, vcenter.Datastore, vcenter.Network, sum, platform.recipient), 0o600))
}

// production renders the values with which the release that is in staging is promoted.
func (r *reader) production(t *testing.T) {
	t.Helper()
	application := git(t, platform.bare("platform/gitops"), "show", "main:apps/demo/staging/hello-go/application.yaml")
	image := regexp.MustCompile(`pave\.dev/image: (\S+)`).FindStringSubmatch(application)
	if image == nil {
		t.Fatalf("staging has no image:\n%s", application)
	}
	r.pave(t, false, "chart", "values", "--environment", "production", "--image", image[1], "--output", "production.yaml")
}
