package chart_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/steps/chart"
)

func TestAContractGivesTheManifestsOfTheGoldenFile(t *testing.T) {
	r := template(t, chart.TemplateOptions{Values: rendered(t, "smallest.yaml", "staging"), Namespace: "demo-staging"})
	golden(t, "smallest.staging.golden.yaml", r.Manifests)
}

func TestTheExamplesGiveManifests(t *testing.T) {
	for _, example := range []string{"hello-go", "hello-docker"} {
		for _, environment := range []string{"staging", "production"} {
			path := filepath.Join(t.TempDir(), "values.yaml")
			_, err := chart.Values(t.Context(), chart.ValuesOptions{
				File: "../../examples/" + example + "/platform.yaml", Environment: environment, Image: image, Output: path,
			})
			if err != nil {
				t.Fatal(err)
			}
			r := template(t, chart.TemplateOptions{Values: path})
			var kinds []string
			for _, o := range r.Objects {
				if o.Name != example {
					t.Errorf("%s %s, want it named %s", o.Kind, o.Name, example)
				}
				kinds = append(kinds, o.Kind)
			}
			for _, want := range []string{"NetworkPolicy", "ServiceAccount", "Service", "Deployment", "Certificate", "IngressRoute"} {
				if !slices.Contains(kinds, want) {
					t.Errorf("%s in %s has no %s: %v", example, environment, want, kinds)
				}
			}
		}
	}
}

func TestEveryObjectAndPodCarriesTheRequiredLabelsAsText(t *testing.T) {
	r := template(t, chart.TemplateOptions{Values: rendered(t, "everything.yaml", "production")})
	want := map[string]string{
		"app.kubernetes.io/name": "true", "app.kubernetes.io/team": "web", "app.kubernetes.io/managed-by": "Helm",
	}
	for _, document := range strings.Split(r.Manifests, "---\n")[1:] {
		var m struct {
			Kind     string
			Metadata struct {
				Name   string
				Labels map[string]string
			}
			Spec struct {
				Template struct {
					Metadata struct{ Labels map[string]string }
				}
			}
		}
		if err := yaml.Unmarshal([]byte(document), &m); err != nil {
			t.Fatal(err)
		}
		all := []map[string]string{m.Metadata.Labels}
		if m.Kind == "Deployment" {
			all = append(all, m.Spec.Template.Metadata.Labels)
		}
		for _, labels := range all {
			for name, value := range want {
				if labels[name] != value {
					t.Errorf("%s: label %s is %q, want %q", m.Kind, name, labels[name], value)
				}
			}
		}
	}
}

func TestValuesOnDiskAndTheirResultAgree(t *testing.T) {
	out := filepath.Join(t.TempDir(), "deep", "manifests.yaml")
	r := template(t, chart.TemplateOptions{Chart: tiny, Release: "mine", Namespace: "space", Output: out})
	want := chart.TemplateResult{
		Chart: "tiny", Version: "1.2.3+build.4", Release: "mine", Namespace: "space", Path: out,
		Objects: []chart.Object{{APIVersion: "v1", Kind: "ConfigMap", Name: "mine"}},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("---\n# Source: tiny/templates/configmap.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: mine\ndata:\n  greeting: \"hello\"\n", string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestBadValuesAreRefused(t *testing.T) {
	const team = "team: web\n"
	pinned := team + "image:\n  repository: registry.example.internal/demo/a\n  digest: " + digest + "\n"
	for name, c := range map[string]struct{ values, image, want string }{
		"no digest": {
			values: team + "image: {repository: registry.example.internal/demo/a}\n",
			want:   "FILE: image.digest is required: pin the image as sha256:…, a tag is not enough (platform-app/templates/deployment.yaml:12:6)",
		},
		"no repository": {
			values: team,
			want:   "FILE: image.repository is required: write it as registry/project/app (platform-app/templates/deployment.yaml:12:6)",
		},
		"no team": {
			values: "name: a", image: image,
			want: "FILE: team is required: name the team that owns the application (platform-app/templates/serviceaccount.yaml:4:6)",
		},
		"a tag for a digest, and all else that is wrong at once": {
			values: "team: Web\nimage:\n  repository: registry.example.internal/demo/a\n  digest: v1\n  tag: v1\nreplicas: 0\nport: http\nports:\n  - name: http\n",
			want: strings.Join([]string{
				"FILE:1:1: team: 'Web' does not match pattern '^([a-z]([-a-z0-9]*[a-z0-9])?)?$'",
				"FILE:4:3: image.digest: 'v1' does not match pattern '^(sha256:[0-9a-f]{64})?$'",
				"FILE:5:3: image.tag: the chart has no such value",
				"FILE:6:1: replicas: minimum: got 0, want 1",
				"FILE:7:1: port: got string, want integer",
				"FILE:9:5: ports[0].name: this value is reserved",
				"FILE:9:5: ports[0].port: is missing",
			}, "\n"),
		},
		"an environment variable that is a number": {
			values: pinned + "env: {PORT: 8080, a b: x}\n",
			want: "FILE:5:7: env.PORT: got number, want string\n" +
				"FILE:5:19: env.a b: the chart has no such value",
		},
		"a default taken away": {
			values: pinned + "probes: {liveness: null}\n",
			want:   "FILE:5:10: probes.liveness: is missing",
		},
		"an image by tag": {
			values: team, image: "registry.example.internal/demo/a:1",
			want: `image reference "registry.example.internal/demo/a:1" is not pinned by digest; write it as registry/project/app@sha256:…`,
		},
		"a list": {
			values: "- a\n",
			want:   "FILE:1:1: values must be fields with values",
		},
		"a database without instances": {
			values: pinned + "database: {enabled: true, instances: 0}\n",
			want:   "FILE:5:27: database.instances: minimum: got 0, want 1",
		},
		"a backup to nowhere": {
			values: pinned + "database:\n  enabled: true\n  backup: {enabled: true}\n",
			want: "FILE:7:3: database.backup.bucket: is missing\n" +
				"FILE:7:3: database.backup.endpoint: is missing\n" +
				"FILE:7:3: database.backup.secret: is missing",
		},
		"a weight above all, and a step that is two": {
			values: pinned + "rollout:\n  strategy: canary\n  canary:\n    steps:\n      - weight: 101\n      - {weight: 1, pause: 5m}\n",
			want: "FILE:9:9: rollout.canary.steps[0].weight: maximum: got 101, want 100\n" +
				"FILE:10:9: rollout.canary.steps[1]: maxProperties: got 2, want 1",
		},
		"two autoscalers that fight": {
			values: pinned + "autoscaling: {minReplicas: 1, maxReplicas: 2}\nverticalScaling: {mode: Recreate}\n",
			want:   "FILE:6:19: verticalScaling.mode: value must be 'Off'",
		},
		"an autoscaler upside down": {
			values: pinned + "autoscaling: {minReplicas: 3, maxReplicas: 2}\n",
			want:   "FILE: autoscaling.maxReplicas: 2 is below minReplicas, 3 (platform-app/templates/deployment.yaml:12:6)",
		},
		"a port for metrics that is none": {
			values: pinned + "metrics: {enabled: true, port: admin}\n",
			want:   "FILE: metrics.port: no port is called admin; add it to ports (platform-app/templates/networkpolicy.yaml:27:19)",
		},
		"egress to addresses of an application": {
			values: pinned + "egress:\n  - {name: a, cidr: 10.0.0.0/8, app: b, ports: [1]}\n  - {name: c, ports: []}\n",
			want: "FILE:6:33: egress[0].app: this value excludes one beside it\n" +
				"FILE:7:5: egress[1].app: is missing\n" +
				"FILE:7:5: egress[1].namespace: is missing\n" +
				"FILE:7:15: egress[1].ports: minItems: got 0, want 1",
		},
		"a folder that is writable already": {
			values: pinned + "writable: [/tmp]\n",
			want:   "FILE:5:12: writable[0]: this value is reserved",
		},
		"two volumes in one folder": {
			values: pinned + "writable: [/data]\nstorage: [{name: a, mountPath: /data, size: 1Gi}]\n",
			want:   "FILE: storage: two volumes have the same folder (platform-app/templates/deployment.yaml:12:6)",
		},
		"a broker that cannot agree": {
			values: pinned + "messaging: {enabled: true, replicas: 2}\n",
			want:   "FILE:5:28: messaging.replicas: value must be one of 1, 3, 5, 7, 9",
		},
		"a name too long for a database": {
			values: pinned + "name: a23456789-123456789-123456789-123456789-1\ndatabase: {enabled: true}\n",
			want:   "FILE: name: database and messaging need a name of at most 40 characters (platform-app/templates/deployment.yaml:12:6)",
		},
		"no YAML": {
			values: "a: [b\n",
			want:   "FILE: this is not YAML: yaml: line 1: did not find expected ',' or ']'",
		},
		"duplicate keys": {
			values: pinned + "replicas: 1\nreplicas: 2\n",
			want:   `FILE: error converting YAML to JSON: yaml: unmarshal errors: line 6: key "replicas" already set in map`,
		},
		"a YAML bomb": {
			values: "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n",
			want:   "FILE: error converting YAML to JSON: yaml: document contains excessive aliasing",
		},
		"too large a file": {
			values: strings.Repeat("# padding\n", 1<<18),
			want:   "values: FILE is larger than 1048576 bytes",
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := values(t, c.values)
			out := filepath.Join(t.TempDir(), "manifests.yaml")
			_, err := chart.Template(t.Context(), chart.TemplateOptions{Values: file, Image: c.image, Output: out})
			refused(t, err, fault.Input, strings.ReplaceAll(c.want, "FILE", file))
			if _, err := os.Stat(out); err == nil {
				t.Error("manifests were written all the same")
			}
		})
	}
}

func TestBadReleasesAndChartsAreRefused(t *testing.T) {
	broken := copyOf(t)
	write(t, filepath.Join(broken, "templates", "configmap.yaml"), "a: {{ .Values.greeting | nosuch }}\n")
	misnamed := copyOf(t)
	write(t, filepath.Join(misnamed, "Chart.yaml"), "apiVersion: v2\nname: tiny\nversion: one\n")
	remote := copyOf(t)
	write(t, filepath.Join(remote, "values.schema.json"), `{"$ref": "https://example.com/schema.json"}`)
	picky := copyOf(t)
	write(t, filepath.Join(picky, "values.schema.json"), `{"propertyNames": {"maxLength": 3}}`)
	missing := filepath.Join(t.TempDir(), "nothing")
	for name, c := range map[string]struct {
		options chart.TemplateOptions
		want    string
	}{
		"a release name that is none": {
			chart.TemplateOptions{Chart: tiny, Release: "A_b"},
			`release "A_b": invalid release name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be longer than 53`,
		},
		"a Kubernetes that is too old": {
			chart.TemplateOptions{KubeVersion: "v1.20.0"},
			"chart platform-app 0.2.0 needs Kubernetes >=1.29.0-0, not v1.20.0",
		},
		"a folder that is not there": {
			chart.TemplateOptions{Chart: missing},
			"chart " + missing + ": stat " + missing + ": no such file or directory; give the folder that holds Chart.yaml",
		},
		"a chart without a version": {
			chart.TemplateOptions{Chart: misnamed},
			"chart " + misnamed + `: validation: chart.metadata.version "one" is invalid`,
		},
		"a template that does not parse": {
			chart.TemplateOptions{Chart: broken},
			`chart tiny: parse error at (tiny/templates/configmap.yaml:1): function "nosuch" not defined`,
		},
		"a name that the schema does not allow": {
			chart.TemplateOptions{Chart: picky},
			"values: greeting: the chart allows no value of this name",
		},
		"a schema that points elsewhere": {
			chart.TemplateOptions{Chart: remote},
			`chart tiny: values.schema.json: failing loading "https://example.com/schema.json": the reference to https://example.com/schema.json is not followed: write the definition into the schema`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := chart.Template(t.Context(), c.options)
			refused(t, err, fault.Input, c.want)
		})
	}
}
