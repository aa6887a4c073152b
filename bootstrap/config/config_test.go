package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/bootstrap/config"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/schematest"
)

const recipient = "age1yl66hyuk9qffqzw3y5yc55hfe0s8e6u22jc46zs4jc5x7yf7xahsz9mha5"

// smallest is the smallest valid file; the tests replace parts of it.
const smallest = `apiVersion: pave/v1
kind: Cluster
metadata: {name: lab, project: idp, environment: test}
spec:
  vip: 10.20.0.10
  kubernetes: 1.36.0
  talos: 1.13.0
  vsphere: {server: vcenter.example.internal, datacenter: d, cluster: c, datastore: s, network: n}
  ova: {template: talos}
  install: {factory: factory.example.internal}
  nodes:
    - {name: lab-cp-1, role: controlplane}
  recipients: [` + recipient + `]
`

func TestTheExampleIsValid(t *testing.T) {
	c, err := config.Read(filepath.Join("..", "..", "examples", "bootstrap", "cluster.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.ControlPlanes()) != 3 || len(c.Workers()) != 2 || c.Spec.Endpoint != "https://10.20.0.10:6443" {
		t.Errorf("read %+v", c.Spec)
	}
	for _, p := range append(c.Spec.TrustedCAs, c.Spec.Patches.Workers...) {
		if _, err := os.Stat(c.Path(p)); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatIsNotSaidHasADefault(t *testing.T) {
	c, err := config.Parse("dir/cluster.yaml", []byte(smallest))
	if err != nil {
		t.Fatal(err)
	}
	want := config.Node{Name: "lab-cp-1", Role: config.ControlPlane, CPU: 4, Memory: "8Gi", Disk: "40Gi"}
	if diff := cmp.Diff(want, c.Spec.Nodes[0]); diff != "" {
		t.Error(diff)
	}
	if c.Spec.Endpoint != "https://10.20.0.10:6443" || c.Spec.Install.Disk != "/dev/sda" || c.Path("a/b.yaml") != filepath.Join("dir", "a", "b.yaml") {
		t.Errorf("endpoint %s, disk %s, path %s", c.Spec.Endpoint, c.Spec.Install.Disk, c.Path("a/b.yaml"))
	}
	if got := config.Size("8Gi").Bytes(); got != 8<<30 {
		t.Errorf("8Gi has %d bytes", got)
	}
}

// TestLineEndsOfWindowsMakeNoDifference checks the places of problems too.
func TestLineEndsOfWindowsMakeNoDifference(t *testing.T) {
	crlf := strings.ReplaceAll(smallest, "\n", "\r\n")
	unix, err1 := config.Parse("cluster.yaml", []byte(smallest))
	windows, err2 := config.Parse("cluster.yaml", []byte(crlf))
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(unix.Spec, windows.Spec); diff != "" {
		t.Error(diff)
	}
	_, err1 = config.Parse("cluster.yaml", []byte(strings.Replace(smallest, "talos: 1.13.0", "talos: 2.0.0", 1)))
	_, err2 = config.Parse("cluster.yaml", []byte(strings.Replace(crlf, "talos: 1.13.0", "talos: 2.0.0", 1)))
	if err1 == nil || err2 == nil || err1.Error() != err2.Error() {
		t.Errorf("%v\n%v", err1, err2)
	}
}

var badInput = map[string]struct {
	replace []string
	want    []string
}{
	"everything is missing": {[]string{smallest, "apiVersion: pave/v1\nkind: Cluster\nmetadata: {name: lab}\nspec: {}\n"}, []string{
		"cluster.yaml:3:11: metadata.environment: is missing",
		"cluster.yaml:3:11: metadata.project: is missing",
		"cluster.yaml:4:7: spec.install: is missing",
		"cluster.yaml:4:7: spec.kubernetes: is missing",
		"cluster.yaml:4:7: spec.nodes: is missing",
		"cluster.yaml:4:7: spec.ova: is missing",
		"cluster.yaml:4:7: spec.recipients: is missing",
		"cluster.yaml:4:7: spec.talos: is missing",
		"cluster.yaml:4:7: spec.vsphere: is missing",
	}},
	"a typing error": {[]string{"datastore: s", "datastor: s"}, []string{
		"cluster.yaml:8:12: spec.vsphere.datastore: is missing",
		"cluster.yaml:8:74: spec.vsphere.datastor: unknown field, did you mean datastore? (allowed: server, datacenter, cluster, datastore, network, resourcePool, folder)",
	}},
	"versions that do not go together": {[]string{"kubernetes: 1.36.0", "kubernetes: 1.28.3"}, []string{
		"cluster.yaml:6:15: spec.kubernetes: version of Kubernetes 1.28.3 is too old to be used with Talos 1.13.0: choose one that Talos's support matrix lists",
	}},
	"a Kubernetes from the future": {[]string{"kubernetes: 1.36.0", "kubernetes: v1.40.0"}, []string{
		"cluster.yaml:6:15: spec.kubernetes: version of Kubernetes 1.40.0 is too new to be used with Talos 1.13.0: choose one that Talos's support matrix lists",
	}},
	"a Talos that pave makes no configs for": {[]string{"talos: 1.13.0", "talos: 1.9.5"}, []string{
		"cluster.yaml:7:10: spec.talos: 1.9.5 is not supported: use 1.12 or 1.13",
	}},
	"a version of two numbers": {[]string{"talos: 1.13.0", "talos: 1.13"}, []string{
		`cluster.yaml:7:10: spec.talos: "1.13" is not a released version: write three numbers as in 1.13.0`,
	}},
	"two images": {[]string{"{template: talos}", "{template: talos, file: a.ova}"}, []string{
		"cluster.yaml:9:8: spec.ova: has file and template: keep one of them",
	}},
	"no image": {[]string{"{template: talos}", "{}"}, []string{
		"cluster.yaml:9:8: spec.ova: needs one of file, url, library and template",
	}},
	"a file without its checksum": {[]string{"{template: talos}", "{file: a.ova}"}, []string{
		"cluster.yaml:9:8: spec.ova.sha256: is missing: a file is used only if its SHA-256 is known",
	}},
	"a password in a URL": {[]string{"{template: talos}", "{url: 'https://me:secret@example.com/a.ova', sha256: x}"}, []string{
		"cluster.yaml:9:14: spec.ova.url: it holds a user name or a password: this file holds no secrets",
		`cluster.yaml:9:61: spec.ova.sha256: "x" is not a SHA-256: write its 64 hex digits in lower case`,
	}},
	"plain http": {[]string{"{template: talos}", "{url: 'http://example.com/a.ova', sha256: " + strings.Repeat("a", 64) + "}"}, []string{
		`cluster.yaml:9:14: spec.ova.url: "http://example.com/a.ova" is plain http: write https`,
	}},
	"neither endpoint nor VIP": {[]string{"  vip: 10.20.0.10\n", ""}, []string{
		"cluster.yaml:5:3: spec.endpoint: is missing: give it, or a vip from which it follows",
	}},
	"an even number of control planes": {[]string{"    - {name: lab-cp-1, role: controlplane}", "    - {name: lab-cp-1, role: controlplane}\n    - {name: lab-cp-2, role: controlplane}"}, []string{
		"cluster.yaml:12:5: spec.nodes: has 2 nodes with role controlplane, an even number: etcd bears no more failures than with one less, use 1, 3 or 5",
	}},
	"no control plane": {[]string{"role: controlplane", "role: worker"}, []string{
		"cluster.yaml:12:5: spec.nodes: has no node with role controlplane: give it 1, 3 or 5",
	}},
	"a role that is none": {[]string{"role: controlplane", "role: control-plane"}, []string{
		`cluster.yaml:12:30: spec.nodes[0].role: "control-plane" is not known, did you mean controlplane? (allowed: controlplane, worker)`,
	}},
	"the same name and address twice": {[]string{"    - {name: lab-cp-1, role: controlplane}", "    - {name: a, role: controlplane, address: 10.20.0.11/24, gateway: 10.20.0.1}\n    - {name: a, role: worker, address: 10.20.0.11/24, gateway: 10.20.0.1}"}, []string{
		"cluster.yaml:5:3: spec.network.dns: is missing: nodes with a static address get no DNS servers from DHCP",
		"cluster.yaml:13:14: spec.nodes[1].name: a is the name of spec.nodes[0] already",
		"cluster.yaml:13:40: spec.nodes[1].address: 10.20.0.11 is that of spec.nodes[0] already",
	}},
	"a network for an address": {[]string{"role: controlplane}", "role: controlplane, address: 10.20.0.0/24}"}, []string{
		`cluster.yaml:12:53: spec.nodes[0].address: "10.20.0.0/24" is a network: write the node's own address in it, as in 10.20.0.1/24`,
	}},
	"a gateway elsewhere, and a VIP": {[]string{"role: controlplane}", "role: controlplane, address: 10.99.0.11/24, gateway: 10.20.0.1}", "  nodes:", "  network: {dns: [10.20.0.2]}\n  nodes:"}, []string{
		"cluster.yaml:5:8: spec.vip: 10.20.0.10 is not in the network 10.99.0.0/24 of the control plane lab-cp-1",
		"cluster.yaml:13:53: spec.nodes[0].address: the gateway 10.20.0.1 is not in the network 10.99.0.0/24",
	}},
	"a gateway for DHCP": {[]string{"role: controlplane}", "role: controlplane, gateway: 10.20.0.1}"}, []string{
		"cluster.yaml:12:53: spec.nodes[0].gateway: goes with a static address: DHCP gives the others one",
	}},
	"both ways to install": {[]string{"{factory: factory.example.internal}", "{factory: f.example.internal, image: 'r.example.internal/a/b:v1', extensions: [siderolabs/x]}"}, []string{
		"cluster.yaml:10:12: spec.install: needs either image or factory",
		"cluster.yaml:10:90: spec.install.extensions: goes with factory: an image has the extensions that it was made with",
	}},
	"the secret half of a key": {[]string{recipient, "AGE-SECRET-KEY-1QQQQ"}, []string{
		"cluster.yaml:13:16: spec.recipients[0]: it is the secret half of an age key: write the public half, which begins with age1, and make a new key",
	}},
	"a recipient with a wrong letter": {[]string{recipient, "age1zl66hyuk9qffqzw3y5yc55hfe0s8e6u22jc46zs4jc5x7yf7xahsz9mha5"}, []string{
		`cluster.yaml:13:16: spec.recipients[0]: "age1zl66hyuk9qffqzw3y5yc55hfe0s8e6u22jc46zs4jc5x7yf7xahsz9mha5" is not an age recipient, a character may be wrong: write the public half of an age key as age-keygen prints it`,
	}},
	"sizes without a unit": {[]string{"role: controlplane}", "role: controlplane, memory: 8192, disk: 40GB, cpu: 1}"}, []string{
		`cluster.yaml:12:52: spec.nodes[0].memory: is the number 8192: it must be text, write "8192"`,
		`cluster.yaml:12:64: spec.nodes[0].disk: "40GB" is not a size: write a whole number and a unit as in 512Mi or 8Gi`,
		"cluster.yaml:12:75: spec.nodes[0].cpu: 1 virtual CPUs are not possible: write 2 to 128",
	}},
	"a server with a scheme": {[]string{"server: vcenter.example.internal", "server: 'https://vcenter.example.internal/sdk'"}, []string{
		`cluster.yaml:8:21: spec.vsphere.server: "https://vcenter.example.internal/sdk" is not a server: write it as in vcenter.example.internal, without scheme and path; it is spoken to over https`,
	}},
	"a path of Windows": {[]string{"{template: talos}", `{file: 'C:\images\talos.ova', sha256: ` + strings.Repeat("a", 64) + "}"}, []string{
		`cluster.yaml:9:15: spec.ova.file: "C:\\images\\talos.ova" is not the path of a file: write it with / also on Windows, relative to this file`,
	}},
	"a mirror twice": {[]string{"  recipients:", "  registryMirrors: [{registry: docker.io, endpoints: ['https://a.example']}, {registry: docker.io, endpoints: ['https://b.example']}]\n  recipients:"}, []string{
		"cluster.yaml:13:89: spec.registryMirrors[1].registry: docker.io has a mirror already, spec.registryMirrors[0]",
	}},
}

func TestABadFileIsAnsweredWithEverythingThatIsWrong(t *testing.T) {
	for name, c := range badInput {
		t.Run(name, func(t *testing.T) {
			_, err := config.Parse("cluster.yaml", []byte(strings.NewReplacer(c.replace...).Replace(smallest)))
			problems, ok := errors.AsType[config.Problems](err)
			if !ok || fault.KindOf(err) != fault.Input {
				t.Fatalf("got %v", err)
			}
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAFileThatIsNotThereSaysWhereToGetOne(t *testing.T) {
	_, err := config.Read(filepath.Join(t.TempDir(), "cluster.yaml"))
	if err == nil || !strings.HasSuffix(err.Error(), "does not exist; copy examples/bootstrap/cluster.yaml and change it") {
		t.Error(err)
	}
}

// TestTheSchemaAgreesWithTheReader: what the schema refuses, the reader refuses,
// and the example passes both.
func TestTheSchemaAgreesWithTheReader(t *testing.T) {
	validate := schematest.Validator(t, config.SchemaURL, config.Schema())
	example, err := os.ReadFile(filepath.Join("..", "..", "examples", "bootstrap", "cluster.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"the example": example, "the smallest": []byte(smallest)} {
		if err := validate(content); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"everything is missing", "a typing error", "a role that is none", "sizes without a unit", "a server with a scheme", "a path of Windows"} {
		if validate([]byte(strings.NewReplacer(badInput[name].replace...).Replace(smallest))) == nil {
			t.Errorf("the schema takes %s", name)
		}
	}
}
