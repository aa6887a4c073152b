package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pave-platform/pave/hack/lab/program"
	"github.com/pave-platform/pave/internal/lab/controlplane"
	"github.com/pave-platform/pave/internal/lab/server"
)

var (
	kubelet = controlplane.Component("kubelet")
	web     = program.Program{Name: "web", Module: "node/web", Package: "github.com/pave-platform/pave/hack/lab/node/web"}
	pause   = program.Program{Name: "pause", Module: "node/pause", Package: "github.com/pave-platform/pave/hack/lab/node/pause"}
)

// Programs are what Start builds on first use.
var Programs = []program.Program{kubelet, pause}

// Packages are what Start needs of Debian, and Binaries the programs in them.
var (
	Packages = []string{"containerd", "runc", "containernetworking-plugins"}
	Binaries = []string{"/usr/bin/containerd", "/usr/sbin/runc", plugins + "/bridge"}
)

const (
	plugins = "/usr/lib/cni"
	path    = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

// containerdConfig has the folder and the sandbox image. A registry on loopback
// is asked over plain http unless hosts.toml says otherwise. Root in a container
// or a small virtual machine may not make the kernel spare a process. Layers are
// copied, not overlaid: the machine's own root may be an overlay, on which the
// kernel makes no other, and images here are small.
const containerdConfig = `version = 2
root = "%[1]s/data"
state = "%[1]s/state"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing",
]

[grpc]
  address = "%[1]s/cd.sock"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "%[2]s"
  disable_apparmor = true
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "` + plugins + `"
    conf_dir = "%[1]s/net.d"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"

  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "%[1]s/certs.d"
`

// network gives every pod an address on a bridge; there is no way out of the
// lab, so nothing is masqueraded and no iptables needed.
const network = `{
  "cniVersion": "1.0.0", "name": "lab", "plugins": [{
    "type": "bridge", "bridge": "pods", "isGateway": true, "hairpinMode": true,
    "ipam": {
      "type": "host-local", "dataDir": "%s/addresses",
      "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]
    }
  }]
}
`

// settings are a kubelet's (kubelet.config.k8s.io/v1beta1) for a machine that
// is somebody's: it changes no packet filter, never evicts for want of the
// machine's disk, and trusts the network, which is the lab's own.
func (n *Real) settings() map[string]any {
	return map[string]any{
		"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
		"address": "0.0.0.0", "port": 10250, "healthzBindAddress": "127.0.0.1", "healthzPort": 10248,
		"authentication":           map[string]any{"anonymous": map[string]any{"enabled": true}, "webhook": map[string]any{"enabled": false}},
		"authorization":            map[string]any{"mode": "AlwaysAllow"},
		"containerRuntimeEndpoint": "unix://" + n.socket(),
		"cgroupDriver":             "cgroupfs", "cgroupRoot": "/" + n.group, "failCgroupV1": false,
		"failSwapOn": false, "makeIPTablesUtilChains": false, "localStorageCapacityIsolation": false,
		"resolvConf": "", "podLogsDir": n.file("pods"), "volumePluginDir": n.file("plugins"),
		"evictionHard": map[string]any{
			"memory.available": "100Mi", "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%", "imagefs.inodesFree": "0%",
		},
		"imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99,
		"serializeImagePulls": false, "nodeStatusUpdateFrequency": "2s",
	}
}

func (n *Real) socket() string { return n.file("cd.sock") }

func (n *Real) writeFiles(sandbox string) error {
	for _, dir := range []string{"net.d", "certs.d", "pods", "plugins", "kubelet"} {
		if err := os.MkdirAll(n.file(dir), 0o755); err != nil {
			return err
		}
	}
	settings, err := json.Marshal(n.settings())
	if err != nil {
		return err
	}
	for name, content := range map[string]string{
		"containerd.toml":     fmt.Sprintf(containerdConfig, n.o.Dir, sandbox),
		"net.d/lab.conflist":  fmt.Sprintf(network, n.o.Dir),
		"kubelet-config.json": string(settings),
	} {
		if err := os.WriteFile(n.file(name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (n *Real) startContainerd(ctx context.Context) error {
	return server.StartReady(ctx, n.o.Runner, n.o.Dial, server.Spec{
		Name: "containerd", Path: Binaries[0], Args: []string{"--config", n.file("containerd.toml")},
		Env: []string{path}, Log: n.file("containerd.log"), Socket: n.socket(),
	})
}

func (n *Real) startKubelet(ctx context.Context) error {
	program, err := kubelet.Path(ctx)
	if err != nil {
		return err
	}
	return server.StartReady(ctx, n.o.Runner, n.o.Dial, server.Spec{
		Name: kubelet.Name, Path: program, Env: []string{path}, Log: n.file("kubelet.log"), URL: "http://127.0.0.1:10248/healthz",
		Args: []string{
			"--config=" + n.file("kubelet-config.json"), "--kubeconfig=" + n.o.Cluster.Kubeconfig,
			"--root-dir=" + n.file("kubelet"), "--cert-dir=" + n.file("kubelet", "pki"),
			"--hostname-override=" + Name, "--node-ip=" + Address.String(),
		},
	})
}

// Trust makes containerd trust a registry, host:port, by the CA in pem. It
// reads the file at the next pull.
func (n *Real) Trust(host string, pem []byte) error {
	if strings.ContainsAny(host, "/\"") {
		return fmt.Errorf("registry %q is no host:port", host)
	}
	dir := n.file("certs.d", host)
	ca := filepath.Join(dir, "ca.crt")
	hosts := fmt.Sprintf("server = %q\n\n[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n  ca = %q\n", "https://"+host, "https://"+host, ca)
	return errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(ca, pem, 0o644), os.WriteFile(filepath.Join(dir, "hosts.toml"), []byte(hosts), 0o644))
}
