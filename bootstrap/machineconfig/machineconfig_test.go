package machineconfig_test

import (
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/siderolabs/talos/pkg/machinery/config"
	"github.com/siderolabs/talos/pkg/machinery/config/configloader"
	"github.com/siderolabs/talos/pkg/machinery/config/generate/secrets"

	cluster "github.com/pave-platform/pave/bootstrap/config"
	"github.com/pave-platform/pave/bootstrap/machineconfig"
	"github.com/pave-platform/pave/internal/fault"
)

const file = `apiVersion: pave/v1
kind: Cluster
metadata: {name: lab, project: idp, environment: test}
spec:
  vip: 10.20.0.10
  kubernetes: 1.36.0
  talos: 1.13.0
  vsphere: {server: vcenter.example.internal, datacenter: d, cluster: c, datastore: s, network: n}
  ova: {template: talos}
  install: {factory: factory.example.internal}
  network: {gateway: 10.20.0.1, dns: [10.20.0.2], searchDomains: [example.internal], ntp: [ntp.example.internal]}
  nodes:
    - {name: lab-cp-1, role: controlplane, address: 10.20.0.11/24}
    - {name: lab-w-1, role: worker}
  registryMirrors: [{registry: docker.io, endpoints: ['https://harbor.example.internal/v2/docker.io']}]
  recipients: [age1yl66hyuk9qffqzw3y5yc55hfe0s8e6u22jc46zs4jc5x7yf7xahsz9mha5]
`

// made is the secrets of all tests: a large key takes a second.
var made *secrets.Bundle

func TestMain(m *testing.M) {
	c, err := cluster.Parse("cluster.yaml", []byte(file))
	if err != nil {
		panic(err)
	}
	if made, err = machineconfig.NewSecrets(c); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// generate gives the config of the node at index i, read back by Talos's loader.
func generate(t *testing.T, dir, yaml string, i int) (config.Provider, string) {
	t.Helper()
	text, err := attempt(t, dir, yaml, i)
	if err != nil {
		t.Fatal(err)
	}
	p, err := configloader.NewFromBytes([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p, text
}

func attempt(t *testing.T, dir, yaml string, i int) (string, error) {
	t.Helper()
	c, err := cluster.Parse(filepath.Join(dir, "cluster.yaml"), []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	g, err := machineconfig.New(c, made, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		return "", err
	}
	return g.Node(c.Spec.Nodes[i])
}

func TestEveryPatchIsInTheConfig(t *testing.T) {
	small := strings.Replace(file, "  vip:", "  schedulingOnControlPlanes: true\n  vip:", 1)
	cp, text := generate(t, t.TempDir(), small, 0)
	worker, _ := generate(t, t.TempDir(), small, 1)
	plain, _ := generate(t, t.TempDir(), file, 0)
	if !cp.Cluster().ScheduleOnControlPlanes() || plain.Cluster().ScheduleOnControlPlanes() {
		t.Error("scheduling on control planes is not what cluster.yaml says")
	}
	proxy := cp.Cluster().Proxy()
	if proxy.Mode() != "ipvs" || len(proxy.ExtraArgs()["ipvs-strict-arp"]) != 1 || proxy.ExtraArgs()["ipvs-strict-arp"][0] != "true" {
		t.Errorf("kube-proxy: %s %v", proxy.Mode(), proxy.ExtraArgs())
	}
	for name, p := range map[string]config.Provider{"control plane": cp, "worker": worker} {
		var modules []string
		for _, m := range p.Machine().Kernel().Modules() {
			modules = append(modules, m.Name())
		}
		if diff := cmp.Diff([]string{"nbd", "iscsi_tcp", "configfs"}, modules); diff != "" {
			t.Errorf("%s: kernel modules:\n%s", name, diff)
		}
		kubelet := p.Machine().Kubelet()
		if args := kubelet.ExtraArgs()["rotate-server-certificates"]; len(args) != 1 || args[0] != "true" {
			t.Errorf("%s: kubelet arguments %v", name, kubelet.ExtraArgs())
		}
		want := map[string]any{"imageGCHighThresholdPercent": 60, "imageGCLowThresholdPercent": 40, "imageMinimumGCAge": "2m0s", "imageMaximumGCAge": "24h0m0s"}
		if diff := cmp.Diff(want, kubelet.ExtraConfig()); diff != "" {
			t.Errorf("%s: kubelet:\n%s", name, diff)
		}
		if mounts := kubelet.ExtraMounts(); len(mounts) != 1 || mounts[0].Destination != "/var/lib/longhorn" {
			t.Errorf("%s: mounts %v", name, mounts)
		}
	}
	policy := cp.Cluster().APIServer().AuditPolicy()
	if policy["kind"] != "Policy" || len(policy["rules"].([]any)) != 1 {
		t.Errorf("audit policy %v\n%s", policy, text)
	}
}

func TestANodeIsTheOneThatClusterYAMLHas(t *testing.T) {
	dir := t.TempDir()
	ca, err := os.ReadFile(filepath.Join("..", "..", "examples", "bootstrap", "platform-ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "ca.crt", string(ca))
	yaml := strings.Replace(file, "  recipients:", "  trustedCAs: [ca.crt]\n  recipients:", 1)
	cp, text := generate(t, dir, yaml, 0)
	worker, workerText := generate(t, dir, yaml, 1)

	if got := cp.NetworkHostnameConfig().Hostname(); got != "lab-cp-1" {
		t.Errorf("host name %q", got)
	}
	link := cp.NetworkCommonLinkConfigs()[0]
	if a := link.Addresses()[0].Address().String(); a != "10.20.0.11/24" {
		t.Errorf("address %s", a)
	}
	if vips := cp.NetworkVirtualIPConfigs(); len(vips) != 1 || len(worker.NetworkVirtualIPConfigs()) != 0 {
		t.Errorf("VIPs: %v, %v", vips, worker.NetworkVirtualIPConfigs())
	}
	if len(worker.NetworkDHCPv4Configs()) != 1 || len(cp.NetworkDHCPv4Configs()) != 0 {
		t.Error("DHCP is not for the worker alone")
	}
	for _, want := range []string{
		"- address: 10.20.0.2", "- example.internal", "- ntp.example.internal", "gateway: 10.20.0.1",
		"kind: TrustedRootsConfig", strings.Split(string(ca), "\n")[1], "https://harbor.example.internal/v2/docker.io",
		`match: link.driver == "vmxnet3"`, "https://10.20.0.10:6443",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if string(made.Certs.OS.Key) == "" || strings.Contains(workerText, encoded(made.Certs.OS.Key)) {
		t.Error("a worker has the key of the CA")
	}
}

func TestTheSameClusterGivesTheSameBytes(t *testing.T) {
	for i := range 2 {
		_, first := generate(t, t.TempDir(), file, i)
		_, second := generate(t, t.TempDir(), file, i)
		if first != second {
			t.Errorf("node %d: %s", i, cmp.Diff(first, second))
		}
	}
}

func TestPatchesOfClusterYAMLComeOnTop(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "all.yaml", "machine:\r\n  sysctls:\r\n    vm.max_map_count: \"262144\"\r\n")
	write(t, dir, "cp.yaml", "machine:\n  kubelet:\n    extraConfig:\n      imageGCHighThresholdPercent: 70\n")
	yaml := strings.Replace(file, "  recipients:", "  patches: {all: [all.yaml], controlPlanes: [cp.yaml]}\n  recipients:", 1)
	cp, _ := generate(t, dir, yaml, 0)
	worker, _ := generate(t, dir, yaml, 1)
	for name, p := range map[string]config.Provider{"control plane": cp, "worker": worker} {
		if p.Machine().Sysctls()["vm.max_map_count"] != "262144" {
			t.Errorf("%s: the patch for all is not in", name)
		}
	}
	if got := cp.Machine().Kubelet().ExtraConfig()["imageGCHighThresholdPercent"]; got != 70 {
		t.Errorf("control plane: %v", got)
	}
	if got := worker.Machine().Kubelet().ExtraConfig()["imageGCHighThresholdPercent"]; got != 60 {
		t.Errorf("worker: %v", got)
	}
}

func TestAPatchThatTalosWouldRefuseIsRefusedHere(t *testing.T) {
	for name, c := range map[string]struct{ patch, want string }{
		"a JSON patch":     {`[{"op": "add", "path": "/machine/sysctls", "value": {}}]`, "is a JSON patch, which Talos does not apply"},
		"an unknown field": {"machine:\n  kubelte: {}\n", "unknown keys found during decoding"},
		"a wrong value":    {"machine:\n  network:\n    interfaces:\n      - addresses: [nonsense]\n", "Talos would refuse the machine config of lab-cp-1"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "p.yaml", c.patch)
			yaml := strings.Replace(file, "  recipients:", "  patches: {all: [p.yaml]}\n  recipients:", 1)
			_, err := attempt(t, dir, yaml, 0)
			if err == nil || !strings.Contains(err.Error(), c.want) || fault.KindOf(err) != fault.Input {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	yaml := strings.Replace(file, "  recipients:", "  patches: {all: [none.yaml]}\n  recipients:", 1)
	if _, err := attempt(t, t.TempDir(), yaml, 0); err == nil || fault.KindOf(err) != fault.Input {
		t.Errorf("a patch that does not exist: %v", err)
	}
}

func TestTheImageHasTheExtensions(t *testing.T) {
	cp, _ := generate(t, t.TempDir(), file, 0)
	c, err := cluster.Parse("cluster.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	content, id := machineconfig.Schematic(c)
	for _, e := range []string{"siderolabs/iscsi-tools", "siderolabs/util-linux-tools", "siderolabs/vmtoolsd-guest-agent"} {
		if !strings.Contains(content, "- "+e+"\n") {
			t.Errorf("%s is not in %s", e, content)
		}
	}
	if want := "factory.example.internal/vmware-installer/" + id + ":v1.13.0"; cp.Machine().Install().Image() != want {
		t.Errorf("installer %s, want %s", cp.Machine().Install().Image(), want)
	}
	own := strings.Replace(file, "{factory: factory.example.internal}", "{image: 'registry.example.internal/talos/installer:v1.13.0'}", 1)
	cp, _ = generate(t, t.TempDir(), own, 0)
	if got := cp.Machine().Install().Image(); got != "registry.example.internal/talos/installer:v1.13.0" {
		t.Errorf("installer %s", got)
	}
}

func TestCAFilesAreCertificates(t *testing.T) {
	for name, content := range map[string]string{
		"no PEM": "hello\n", "a key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "a broken one": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	} {
		dir := t.TempDir()
		write(t, dir, "ca.crt", content)
		_, err := attempt(t, dir, strings.Replace(file, "  recipients:", "  trustedCAs: [ca.crt]\n  recipients:", 1), 0)
		if err == nil || fault.KindOf(err) != fault.Input || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func encoded(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
