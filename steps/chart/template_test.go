package chart_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/steps/chart"
)

func TestManifestsAreAsTheGoldenFilesSay(t *testing.T) {
	for _, c := range []struct{ contract, environment string }{
		{"smallest", "staging"}, {"everything", "staging"}, {"everything", "production"},
	} {
		t.Run(c.contract+" in "+c.environment, func(t *testing.T) {
			r := template(t, chart.TemplateOptions{
				Values: rendered(t, c.contract+".yaml", c.environment), Namespace: "demo-" + c.environment,
			})
			golden(t, c.contract+"."+c.environment+".golden.yaml", r.Manifests)
		})
	}
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
			if diff := cmp.Diff([]string{"ServiceAccount", "Service", "Deployment", "IngressRoute"}, kinds); diff != "" {
				t.Error(diff)
			}
		}
	}
}

func TestAnApplicationWrittenBothWaysGivesTheSameManifests(t *testing.T) {
	byHand := values(t, `
name: hello-go
team: web
project: demo
environment: staging
`)
	a := template(t, chart.TemplateOptions{Values: rendered(t, "smallest.yaml", "staging")})
	b := template(t, chart.TemplateOptions{Values: byHand, Image: image})
	if diff := cmp.Diff(a.Manifests, b.Manifests); diff != "" {
		t.Errorf("- platform.yaml, + values.yaml:\n%s", diff)
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
			want:   "FILE: image.digest is required: pin the image as sha256:…, a tag is not enough (platform-app/templates/deployment.yaml:31:20)",
		},
		"no repository": {
			values: team,
			want:   "FILE: image.repository is required: write it as registry/project/app (platform-app/templates/deployment.yaml:31:20)",
		},
		"no team": {
			values: "name: a", image: image,
			want: "FILE: team is required: name the team that owns the application (platform-app/templates/serviceaccount.yaml:7:8)",
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
			"chart platform-app 0.1.0 needs Kubernetes >=1.29.0-0, not v1.20.0",
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
