package contract_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/internal/fault"
)

// smallest is the smallest valid file, up to its spec's fields.
const smallest = `apiVersion: pave/v1
kind: Application
metadata:
  name: hello-go
  team: web
  project: demo
spec:
  port: 8080
`

func TestTheSmallestFileIsValid(t *testing.T) {
	got, err := contract.Parse("platform.yaml", []byte(smallest))
	if err != nil {
		t.Fatal(err)
	}
	want := &contract.Application{
		APIVersion: "pave/v1", Kind: "Application",
		Metadata: contract.Metadata{Name: "hello-go", Team: "web", Project: "demo"},
		Spec:     contract.Spec{Port: 8080},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEnvironmentVariablesAreTakenAsWritten(t *testing.T) {
	got, err := contract.Parse("platform.yaml", []byte(smallest+"  env: {A: 1.10, B: yes, C: 0x1F, D: 2024-01-01, E: \"\", F: true, G: «é»}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[contract.EnvName]contract.EnvValue{"A": "1.10", "B": "yes", "C": "0x1F", "D": "2024-01-01", "E": "", "F": "true", "G": "«é»"}
	if diff := cmp.Diff(want, got.Spec.Env); diff != "" {
		t.Error(diff)
	}
}

const specFields = "image, port, ports, ingress, env, secrets, database, messaging, storage, writable, resources, replicas, " +
	"autoscaling, verticalScaling, disruption, probes, egress, rollout, alerts, metrics, reload, environments"

// spec puts lines under spec, from line 8 on.
func spec(lines ...string) string {
	head := strings.TrimSuffix(smallest, "  port: 8080\n")
	return head + "  " + strings.Join(lines, "\n  ") + "\n"
}

// bomb would be a billion words, were its aliases followed.
func bomb() string {
	lines := []string{"a: &a [lol]"}
	for c := 'b'; c <= 'i'; c++ {
		lines = append(lines, fmt.Sprintf("%c: &%c [%s]", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", c-1), 10), ", ")))
	}
	return strings.Join(lines, "\n") + "\n"
}

// bad is a file, and the problems that it has.
type bad struct {
	file string
	want []string
}

var badInput = map[string]bad{
	"an empty file": {"\n \n", []string{
		"platform.yaml:1:1: the file is empty: it needs at least apiVersion, kind, metadata and spec",
	}},
	"only comments": {"# later\n", []string{
		"platform.yaml:1:1: the file holds only comments: it needs at least apiVersion, kind, metadata and spec",
	}},
	"a binary file": {"apiVersion: pave/v1\nkind: \x00\x01", []string{
		"platform.yaml:2:7: this is not a text file in UTF-8",
	}},
	"another encoding": {"name: caf\xe9", []string{
		"platform.yaml:1:10: this is not a text file in UTF-8",
	}},
	"too large a file": {strings.Repeat("# padding\n", 1<<20), []string{
		"platform.yaml:1:1: the file is larger than 1048576 bytes",
	}},
	"a file of 10 MB": {smallest + strings.Repeat("  env: {A: b}\n", 10<<20/14), []string{
		"platform.yaml:1:1: the file is larger than 1048576 bytes",
	}},
	"a bomb of anchors": {bomb(), []string{
		"platform.yaml:1:4: a: the anchor &a is not allowed: write the value out where it is needed",
		"platform.yaml:2:4: b: the anchor &b is not allowed: write the value out where it is needed",
		"platform.yaml:3:4: c: the anchor &c is not allowed: write the value out where it is needed",
		"platform.yaml:4:4: d: the anchor &d is not allowed: write the value out where it is needed",
		"platform.yaml:5:4: e: the anchor &e is not allowed: write the value out where it is needed",
		"platform.yaml:6:4: f: the anchor &f is not allowed: write the value out where it is needed",
		"platform.yaml:7:4: g: the anchor &g is not allowed: write the value out where it is needed",
		"platform.yaml:8:4: h: the anchor &h is not allowed: write the value out where it is needed",
		"platform.yaml:9:4: i: the anchor &i is not allowed: write the value out where it is needed",
	}},
	"not YAML": {"apiVersion: pave/v1\nkind: [Application\nmetadata:\n", []string{
		"platform.yaml:3:1: this is not YAML: ',' or ']' must be specified",
	}},
	"a field between two levels": {spec("port: 8080", " env: {}"), []string{
		"platform.yaml:8:9: this is not YAML: mapping value is not allowed in this context",
	}},
	"a field too far left": {spec("ingress:", "    host: a.b", "  tls: true"), []string{
		"platform.yaml:10:5: this is not YAML: value is not allowed in this context",
	}},
	"a tab as indentation": {"spec:\n\tport: 8080\n", []string{
		"platform.yaml:2:1: this is not YAML: found character '\t' that cannot start any token",
	}},
	"two documents": {smallest + "---\n" + smallest, []string{
		"platform.yaml:9:1: a second document starts here: write one application per file",
	}},
	"a list": {"- a\n", []string{
		"platform.yaml:1:1: is a list: it needs fields (allowed: apiVersion, kind, metadata, spec)",
	}},
	"anchors and aliases": {spec("env: &all {A: b}", "probes: *all"), []string{
		"platform.yaml:8:8: spec.env: the anchor &all is not allowed: write the value out where it is needed",
		"platform.yaml:9:11: spec.probes: the alias *all is not allowed: write the value out",
	}},
	"a merge key": {spec("env: {<<: {A: b}}"), []string{
		`platform.yaml:8:9: spec.env: "<<" is not a variable name: use letters, digits and _, not starting with a digit`,
		"platform.yaml:8:13: spec.env.<<: is a group of fields: it must be text",
	}},
	"a tag": {spec("port: !!int \"8080\""), []string{
		"platform.yaml:8:9: spec.port: the tag !!int is not allowed: write the plain value",
	}},
	"deep nesting": {spec("env: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000)), []string{
		"platform.yaml:8:39: spec.env" + strings.Repeat("[0]", 31) + ": nested deeper than 32 levels",
	}},
	"nothing but brackets": {"a: 1\nb:\n  " + strings.Repeat("[", 60_000), []string{
		"platform.yaml:3:3: this is not YAML: exceeded max depth of 10000",
	}},
	"nothing but dashes": {strings.Repeat("- ", 30_000), []string{
		"platform.yaml:1:1: this is not YAML: exceeded max depth of 10000",
	}},
	"brackets without an end": {strings.Repeat("[", 100) + "\n", []string{
		"platform.yaml:1:1: this is not YAML: did not find expected node content",
	}},
	"everything required is missing": {"{}", []string{
		"platform.yaml:1:1: apiVersion: is missing",
		"platform.yaml:1:1: kind: is missing",
		"platform.yaml:1:1: metadata: is missing",
		"platform.yaml:1:1: spec: is missing",
	}},
	"another version and kind": {strings.NewReplacer("pave/v1", "pave/v2", "Application", "Deployment").Replace(smallest), []string{
		`platform.yaml:1:13: apiVersion: "pave/v2" is not known, the only version is pave/v1`,
		`platform.yaml:2:7: kind: "Deployment" is not known, the only kind is Application`,
	}},
	"a typing error in a field": {spec("replica: 2", "ingres: {host: a.b}", "prot: 8080"), []string{
		"platform.yaml:8:3: spec.replica: unknown field, did you mean replicas? (allowed: " + specFields + ")",
		"platform.yaml:9:3: spec.ingres: unknown field, did you mean ingress? (allowed: " + specFields + ")",
		"platform.yaml:10:3: spec.prot: unknown field, did you mean port? (allowed: " + specFields + ")",
	}},
	"a field that nothing is like": {spec("image: {tagline: x}"), []string{
		"platform.yaml:8:11: spec.image.tagline: unknown field (allowed: repository)",
	}},
	"an environment that is not one": {spec("environments: {prod: {replicas: 2}, stagin: {}}"), []string{
		"platform.yaml:8:18: spec.environments.prod: unknown field (allowed: staging, production)",
		"platform.yaml:8:39: spec.environments.stagin: unknown field, did you mean staging? (allowed: staging, production)",
	}},
	"duplicate keys": {spec("port: 8080", "env:", "  A: b", "  A: c", "port: 8081"), []string{
		"platform.yaml:11:5: spec.env.A: is given twice, first on line 10",
		"platform.yaml:12:3: spec.port: is given twice, first on line 8",
	}},
	"wrong types": {spec("port: http", "ports: 1", "ingress: {host: [a], tls: yes}", "replicas: 2.5", "env: [A]", "probes: on"), []string{
		`platform.yaml:8:9: spec.port: is the text "http": it must be a whole number`,
		"platform.yaml:9:10: spec.ports: is the number 1: it needs a list",
		"platform.yaml:10:19: spec.ingress.host: is a list: it must be text",
		`platform.yaml:10:29: spec.ingress.tls: is the text "yes": it must be true or false`,
		"platform.yaml:11:13: spec.replicas: is the number 2.5: it must be a whole number",
		"platform.yaml:12:8: spec.env: is a list: it needs names with values",
		`platform.yaml:13:11: spec.probes: is the text "on": it needs fields (allowed: liveness, readiness, startup)`,
	}},
	"a number where text is needed": {strings.Replace(smallest, "team: web", "team: 42", 1), []string{
		`platform.yaml:5:9: metadata.team: is the number 42: it must be text, write "42"`,
	}},
	"no value": {spec("port:", "env:"), []string{
		"platform.yaml:8:8: spec.port: has no value: give it one or delete the line",
		"platform.yaml:9:7: spec.env: has no value: give it one or delete the line",
	}},
	"names that are no DNS labels": {strings.NewReplacer("hello-go", "Hello_Go", "web", strings.Repeat("w", 51), "demo", "1demo").Replace(smallest), []string{
		`platform.yaml:4:9: metadata.name: "Hello_Go" is not a DNS label: use lower-case letters, digits and -, starting with a letter and not ending with -`,
		`platform.yaml:5:9: metadata.team: "` + strings.Repeat("w", 51) + `" has 51 characters, at most 50 are allowed`,
		`platform.yaml:6:12: metadata.project: "1demo" is not a DNS label: use lower-case letters, digits and -, starting with a letter and not ending with -`,
	}},
	"numbers out of range": {spec("port: 80", "replicas: 0", "probes: {liveness: {periodSeconds: 3601, failureThreshold: -1}}"), []string{
		"platform.yaml:8:9: spec.port: 80 is below 1024",
		"platform.yaml:9:13: spec.replicas: 0 is below 1",
		"platform.yaml:10:38: spec.probes.liveness.periodSeconds: 3601 is above 3600",
		"platform.yaml:10:62: spec.probes.liveness.failureThreshold: -1 is below 1",
	}},
	"a number too large for a machine": {spec("replicas: 99999999999999999999"), []string{
		"platform.yaml:8:13: spec.replicas: is the number 99999999999999999999: it must be a whole number",
	}},
	"hosts that are none": {spec("ingress: {host: 'https://hello.example.com/'}", "environments: {staging: {ingress: {host: localhost}}}"), []string{
		`platform.yaml:8:19: spec.ingress.host: "https://hello.example.com/" is not a host name: write it in lower case as in hello.apps.example.internal, without scheme, port and path`,
		`platform.yaml:9:44: spec.environments.staging.ingress.host: "localhost" is not a host name: write it in lower case as in hello.apps.example.internal, without scheme, port and path`,
	}},
	"an ingress override without a host": {spec("environments: {staging: {ingress: {tls: false}}}"), []string{
		"platform.yaml:8:37: spec.environments.staging.ingress: has no host, and spec.ingress gives none",
	}},
	"quantities that do not parse": {spec("resources:", "  requests: {cpu: half, memory: 256MB}", "  limits: {cpu: 0, memory: 512}"), []string{
		`platform.yaml:9:21: spec.resources.requests.cpu: "half" is not an amount of CPU: write cores as in 0.5, or thousandths as in 500m`,
		`platform.yaml:9:35: spec.resources.requests.memory: "256MB" is not an amount of memory: write a number and a unit as in 256Mi or 1Gi`,
		"platform.yaml:10:19: spec.resources.limits.cpu: 0 is below 1m",
		`platform.yaml:10:30: spec.resources.limits.memory: "512" is not an amount of memory: write a number and a unit as in 256Mi or 1Gi`,
	}},
	"requests above limits, also after an override": {spec("resources: {requests: {cpu: 2, memory: 1Gi}, limits: {cpu: 1500m}}", "environments: {production: {resources: {limits: {memory: 512Mi, cpu: 4}}}}"), []string{
		"platform.yaml:8:14: spec.resources: requests.cpu 2 is above limits.cpu 1500m",
		"platform.yaml:9:42: spec.environments.production.resources: requests.memory 1Gi is above limits.memory 512Mi",
	}},
	"ports that collide": {spec("ports: [{name: metrics, port: 8080}, {name: metrics, port: 9090}, {name: http, port: 9090}]"), []string{
		`platform.yaml:8:76: spec.ports[2].name: "http" is the name of spec.port, use another`,
	}},
	"ports that collide with each other": {spec("ports: [{name: metrics, port: 8080}, {name: metrics, port: 9090}]"), []string{
		"platform.yaml:8:33: spec.ports[0].port: 8080 is the port of spec.port already",
		"platform.yaml:8:47: spec.ports[1].name: metrics is the name of spec.ports[0] already",
	}},
	"an image with a tag": {spec("image: {repository: 'registry.example.internal/demo/hello-go:1.0'}"), []string{
		`platform.yaml:8:23: spec.image.repository: "registry.example.internal/demo/hello-go:1.0" is not an image repository: write it as registry/project/app, without tag and digest`,
	}},
	"bad names in lists and maps": {spec("ports: [{name: Metrics!, port: 9090}, {port: 1}]", "env: {1A: x, 'B C': y}", "secrets: [{name: Demo_Env}, demo]", "probes: {readiness: {path: healthz}}"), []string{
		`platform.yaml:8:18: spec.ports[0].name: "Metrics!" is not a port name: use at most 15 lower-case letters, digits and -, with at least one letter`,
		"platform.yaml:8:41: spec.ports[1].name: is missing",
		"platform.yaml:8:48: spec.ports[1].port: 1 is below 1024",
		`platform.yaml:9:9: spec.env: "1A" is not a variable name: use letters, digits and _, not starting with a digit`,
		`platform.yaml:9:16: spec.env: "B C" is not a variable name: use letters, digits and _, not starting with a digit`,
		`platform.yaml:10:20: spec.secrets[0].name: "Demo_Env" is not a Kubernetes name: use lower-case letters, digits, - and .`,
		`platform.yaml:10:31: spec.secrets[1]: is the text "demo": it needs fields (allowed: name, vault)`,
		`platform.yaml:11:30: spec.probes.readiness.path: "healthz" is not a path: start it with / and use no spaces, as in /healthz`,
	}},
}

func TestBadInput(t *testing.T) {
	for name, c := range badInput {
		t.Run(name, func(t *testing.T) {
			_, err := contract.Parse("platform.yaml", []byte(c.file))
			if err == nil {
				t.Fatal("accepted")
			}
			if diff := cmp.Diff(c.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Error(diff)
			}
			if kind := fault.KindOf(err); kind != fault.Input {
				t.Errorf("kind %d, want input", kind)
			}
		})
	}
}

func TestAHopelessFileIsAnsweredBriefly(t *testing.T) {
	var lines []string
	for i := range 1000 {
		lines = append(lines, fmt.Sprintf("field%d: x", i))
	}
	_, err := contract.Parse("platform.yaml", []byte(spec(lines...)))
	if err == nil {
		t.Fatal("accepted")
	}
	got := strings.Split(err.Error(), "\n")
	if len(got) != 101 || got[100] != "… and 900 more" {
		t.Errorf("%d lines, the last %q", len(got), got[len(got)-1])
	}
}

func TestReadNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "platform.yaml")
	if _, err := contract.Read(path); err == nil || !strings.HasPrefix(err.Error(), path+" does not exist; ") || fault.KindOf(err) != fault.Input {
		t.Errorf("missing file: %v", err)
	}
	if err := os.WriteFile(path, []byte("kind: 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := contract.Read(path); err == nil || !strings.HasPrefix(err.Error(), path+":1:1: apiVersion: is missing") {
		t.Errorf("bad file: %v", err)
	}
}

func TestWhatThePlatformKnowsIsSaidBesideWhatIsWrong(t *testing.T) {
	const text = `apiVersion: pave/v1
kind: Application
metadata: {name: a, team: b, project: c}
spec:
  prot: 8080
  ports: [{name: metrics, port: 80}]
  ingress: {host: a.example.com}
  secrets: [{name: other-env}]
  metrics: {enabled: true, port: metrics}
  environments:
    production:
      ingress: {host: not a host}
`
	_, err := contract.Parse("platform.yaml", []byte(text), contract.IngressDomains("apps.example.internal"), contract.Secrets("demo-env"))
	problems, ok := errors.AsType[contract.Problems](err)
	if !ok {
		t.Fatal(err)
	}
	var got []string
	for _, p := range problems {
		got = append(got, p.Path)
	}
	want := []string{"spec.prot", "spec.ports[0].port", "spec.ingress.host", "spec.secrets[0].name", "spec.environments.production.ingress.host"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}
