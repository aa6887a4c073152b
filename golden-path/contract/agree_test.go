package contract_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/internal/schematest"
)

// beyondTheSchema are the files that the schema accepts and the decoder refuses:
// what lies between two fields, and what a pattern cannot count.
var beyondTheSchema = map[string]string{
	"a merge key":                "YAML, not JSON",
	"a tag":                      "YAML, not JSON",
	"a backup that goes nowhere": "enabled and bucket",
	"a backup of no database":    "database and backup",
	"a backup that an environment leaves incomplete": "spec and environment",
	"a schedule that runs backwards":                 "a pattern does not compare",
	"an environment's database without one":          "spec and environment",
	"an ingress override without a host":             "spec and environment",
	"an environment's autoscaling without a maximum": "spec and environment",
	"fewest above most, also after an override":      "two numbers",
	"replicas and autoscaling":                       "two fields",
	"vertical scaling against autoscaling":           "two fields",
	"requests above limits, also after an override":  "two amounts",
	"ports that collide with each other":             "two entries",
	"mounts that collide":                            "two entries",
	"alerts and metrics that collide":                "two entries",
	"secrets that collide":                           "two entries",
	"weights that do not rise":                       "two entries",
	"steps of another strategy":                      "two fields",
	"variables that the platform injects":            "two fields",
	"a long name with a database":                    "two fields",
	"an application in a network":                    "two fields",
	"a network that is not one":                      "a pattern does not count bits",
	"less memory than there can be":                  "a pattern does not compare",
}

func TestTheSchemaAndTheDecoderAgree(t *testing.T) {
	files := map[string]string{
		"the smallest":                  smallest,
		"a long name with a database":   strings.Replace(spec("database: {enabled: true}"), "hello-go", strings.Repeat("a", 41), 1),
		"an application in a network":   spec("egress: [{name: a, cidr: '::/0', app: b, ports: [1]}]"),
		"a network that is not one":     spec("egress: [{name: a, cidr: 10.0.0.1/8, ports: [1]}]"),
		"less memory than there can be": spec("resources: {limits: {memory: 1k}}"),
	}
	for name, c := range badInput {
		files[name] = c.file
	}
	for name, c := range badFeatures {
		files[name] = spec(c.lines...)
	}
	for _, values := range corpus {
		for _, v := range append(values.good, values.bad...) {
			files[strings.ReplaceAll(values.line, "…", v)] = spec(strings.ReplaceAll(values.line, "…", v))
		}
	}
	examples, err := filepath.Glob("../render/testdata/*.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatal("no good files: ", err)
	}
	for _, path := range examples {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[path] = string(data)
	}
	validate := schematest.Validator(t, contract.SchemaURL, contract.Schema())
	for name, file := range files {
		_, refused := contract.Parse("platform.yaml", []byte(file))
		invalid := validate([]byte(file))
		switch why := beyondTheSchema[name]; {
		case why != "" && (refused == nil || invalid != nil):
			t.Errorf("%s (%s): no longer beyond the schema\ndecoder: %v\nschema: %v", name, why, refused, invalid)
		case why == "" && (refused == nil) != (invalid == nil):
			t.Errorf("%s:\ndecoder: %v\nschema: %v", name, refused, invalid)
		}
	}
	for name := range beyondTheSchema {
		if _, there := files[name]; !there {
			t.Errorf("%s is not tried", name)
		}
	}
}

// corpus are values that each kind of scalar takes, and values that it does not.
var corpus = []struct {
	line      string
	good, bad []string
}{
	{"port: …", []string{"1024", "65535"}, []string{"1023", "65536", "8080.5", "'8080'", "true", "null"}},
	{"replicas: …", []string{"1", "100"}, []string{"0", "101", "-1"}},
	{"reload: …", []string{"true", "false"}, []string{"yes", "1", "'true'"}},
	{"env: {A: …}", []string{"1.10", "yes", "true", "''", "x"}, []string{"[a]", "{}", "null"}},
	{"env: {…: x}", []string{"a", "_", "A1"}, []string{"1", "a-b", "a.b", "''"}},
	{"image: {repository: …}", []string{"a.b/c", "localhost:5000/a/b"}, []string{"a", "a.b/c:1", "a.b/C", "''"}},
	{"ingress: {host: …}", []string{"a.b", "x-1.y.z"}, []string{"a", "a..b", "-a.b", "A.b", "'a.b:80'", "1"}},
	{"ports: [{name: …, port: 9090}]", []string{"a", "a-1", "1a"}, []string{"http", "1", "a--b", "-a", "sixteen-letters-x", "A"}},
	{"secrets: [{name: …}]", []string{"a", "a.b-c", "'1'"}, []string{"A", "a_b", "a..b", "-a", "''"}},
	{"secrets: [{name: a, vault: {path: …}}]", []string{"a", "demo/api", "_x/y.z"}, []string{"/a", "a/", "a//b", "'a b'"}},
	{"secrets: [{name: a, vault: {path: a, keys: …}}]", []string{"[A, b_1]"}, []string{"[]", "[1A]", "A"}},
	{"database: {enabled: true, instances: …}", []string{"1", "9"}, []string{"0", "10"}},
	{"database: {enabled: true, storage: {size: …}}", []string{"1Gi", "500M"}, []string{"0Gi", "1.5Gi", "1", "1GB", "5Ki"}},
	{"database: {enabled: false, backup: {enabled: false, schedule: …}}", []string{"0 0 2 * * *", "'*/5 0-10,30 1 31 12 6'"}, []string{"0 2 * * *", "60 0 0 * * *", "0 0 24 * * *", "0 0 0 0 * *", "0 0 0 32 * *", "0 0 0 * 13 *", "0 0 0 * * 7", "'@daily'"}},
	{"database: {enabled: false, backup: {enabled: false, retention: …}}", []string{"1d", "4w", "12m"}, []string{"0d", "30", "1y", "d"}},
	{"database: {enabled: false, backup: {enabled: false, bucket: …}}", []string{"s3://abc", "s3://a.b-c/d/e/"}, []string{"s3://ab", "https://abc", "s3://abc//d", "s3://ABC"}},
	{"database: {enabled: false, backup: {enabled: false, endpoint: …}}", []string{"https://a", "http://a.b:9000/"}, []string{"a.b", "https://a/b", "https://a:0", "ftp://a"}},
	{"messaging: {enabled: true, replicas: …}", []string{"1", "3", "9"}, []string{"0", "2", "11"}},
	{"storage: [{name: …, mountPath: /a, size: 1Gi}]", []string{"a", "a-b", "'1'"}, []string{"a.b", "A", "''", strings.Repeat("a", 41)}},
	{"storage: [{name: a, mountPath: …, size: 1Gi}]", []string{"/a", "/var/lib/x.d/y", "/tmp/a", "/usr/local/x"}, []string{"a", "/", "/a/", "/a/../b", "/.a", "/tmp", "/proc", "/proc/x", "/etc", "/var/run/secrets/x", "'/a b'"}},
	{"storage: [{name: a, mountPath: /a, size: 1Gi, accessMode: …}]", []string{"ReadWriteOnce", "ReadWriteMany"}, []string{"ReadOnlyMany", "readWriteOnce"}},
	{"resources: {requests: {cpu: …}}", []string{"1", "0.5", "500m", "'2'"}, []string{"0", "0m", "0.0", "0.0005", "half", "-1", "1000000000"}},
	{"resources: {limits: {memory: …}}", []string{"64Mi", "1.5Gi", "1G"}, []string{"64", "64MB", "1e3Mi", "'1 Gi'"}},
	{"autoscaling: {maxReplicas: 3, cpu: …}", []string{"1", "100"}, []string{"0", "101"}},
	{"verticalScaling: {mode: …}", []string{"Off", "Initial", "'Recreate'"}, []string{"off", "Auto", "false"}},
	{"probes: {liveness: {path: …}}", []string{"/", "'/a?b=c'"}, []string{"a", "'/a b'", "/é", "''"}},
	{"probes: {liveness: {periodSeconds: …, failureThreshold: …}}", []string{"1", "1000"}, []string{"0", "3601"}},
	{"egress: [{name: a, cidr: …, ports: [1]}]", []string{"10.0.0.0/8", "'fd00::/8'", "0.0.0.0/0"}, []string{"10.0.0.0", "10/8", "a/8", "1.2.3.4.5/8"}},
	{"egress: [{name: a, namespace: …, ports: [65535]}]", []string{"a", "a-1"}, []string{"a.b", "A", strings.Repeat("a", 64)}},
	{"rollout: {strategy: …}", []string{"rolling", "canary", "blueGreen"}, []string{"recreate", "Canary", "''"}},
	{"rollout: {strategy: canary, canary: {steps: [{weight: …}]}}", []string{"0", "100"}, []string{"-1", "101", "20%", "null"}},
	{"rollout: {strategy: canary, canary: {steps: [{pause: …}]}}", []string{"5m", "30s", "manual"}, []string{"0s", "5", "1d", "forever"}},
	{"rollout: {strategy: blueGreen, blueGreen: {scaleDownDelay: …}}", []string{"5m", "30s", "1h"}, []string{"manual", "1h30m", "-5m"}},
	{"alerts: [{name: …, expr: up}]", []string{"A", "High_1"}, []string{"1A", "'A B'", strings.Repeat("A", 64)}},
	{"alerts: [{name: A, expr: …}]", []string{"up", "'up == 0'"}, []string{"''", "' '", "1", strings.Repeat("é", 4097)}},
	{"alerts: [{name: A, expr: up, summary: …}]", []string{"''", strings.Repeat("é", 1024)}, []string{"1", strings.Repeat("é", 1025)}},
	{"alerts: [{name: A, expr: up, severity: …}]", []string{"info", "warning", "critical"}, []string{"error", "Info"}},
	{"metrics: {enabled: …}", []string{"true", "false"}, []string{"1", "null"}},
	{"environments: {…: {replicas: 2}}", []string{"staging", "production"}, []string{"prod", "test"}},
}

func TestScalarsTakeGoodValuesOnly(t *testing.T) {
	for _, c := range corpus {
		for values, want := range map[*[]string]bool{&c.good: true, &c.bad: false} {
			for _, v := range *values {
				line := strings.ReplaceAll(c.line, "…", v)
				if _, err := contract.Parse("platform.yaml", []byte(spec(line))); (err == nil) != want {
					t.Errorf("%s: %v", line, err)
				}
			}
		}
	}
}
