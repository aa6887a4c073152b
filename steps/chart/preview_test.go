package chart_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/golden-path/render"
	"github.com/pave-platform/pave/steps/chart"
)

// light are the kinds that a preview may have.
var light = []string{"Certificate", "Deployment", "IngressRoute", "NetworkPolicy", "Service", "ServiceAccount"}

func TestThePreviewOfEveryContractIsLight(t *testing.T) {
	files, err := filepath.Glob("../../golden-path/render/testdata/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatal(len(files), err)
	}
	renderer, err := chart.NewRenderer(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			app, err := contract.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, with := range []bool{false, true} {
				repository := string(app.Spec.Image.Repository)
				if repository == "" {
					repository = "registry.example.internal/demo/hello-go"
				}
				values, err := render.Preview(app, render.PreviewOptions{Repository: repository, PullSecret: "pull", Database: with, Messaging: with})
				if err != nil {
					t.Fatal(err)
				}
				commit := strings.Repeat("a", 40)
				values["name"], values["preview"] = strings.Repeat("n", 40), map[string]any{"commit": commit}
				r, err := renderer.Render(chart.RenderOptions{Values: values, Namespace: "demo-previews"})
				if err != nil {
					t.Fatal(err)
				}
				allowed := light
				if with {
					allowed = append([]string{"Cluster", "RabbitmqCluster"}, light...)
				}
				for _, o := range r.Objects {
					if !slices.Contains(allowed, o.Kind) {
						t.Errorf("it has a %s %s", o.Kind, o.Name)
					}
				}
				checkLight(t, r.Manifests, repository+":"+commit)
			}
		})
	}
}

// checkLight looks at the one Deployment.
func checkLight(t *testing.T, manifests, image string) {
	t.Helper()
	for document := range strings.SplitSeq(manifests, "\n---\n") {
		if !strings.Contains(document, "kind: Deployment\n") {
			continue
		}
		var d struct {
			Metadata struct{ Annotations map[string]string }
			Spec     struct {
				Replicas int
				Template struct {
					Spec struct {
						Containers []struct {
							Image   string
							EnvFrom []any
						}
						ImagePullSecrets []struct{ Name string }
						Volumes          []map[string]any
					}
				}
			}
		}
		if err := yaml.Unmarshal([]byte(document), &d); err != nil {
			t.Fatal(err)
		}
		pod := d.Spec.Template.Spec
		if d.Spec.Replicas != 1 || pod.Containers[0].Image != image || len(pod.Containers[0].EnvFrom) != 0 || len(d.Metadata.Annotations) != 0 || pod.ImagePullSecrets[0].Name != "pull" {
			t.Errorf("%+v", d)
		}
		for _, v := range pod.Volumes {
			if v["emptyDir"] == nil {
				t.Errorf("a volume that outlives the pod: %v", v)
			}
		}
		return
	}
	t.Error("there is no Deployment")
}

func TestACommitIsForPreviewsOnly(t *testing.T) {
	for name, c := range map[string]struct{ values, want string }{
		"in staging":                 {"environment: staging\nimage: {repository: r.example.com/a/b}\npreview: {commit: 0123456789abcdef}\n", "preview.commit is for environment previews"},
		"beside a digest":            {"environment: previews\nimage: {repository: r.example.com/a/b, digest: " + digest + "}\npreview: {commit: 0123456789abcdef}\n", "give one of the two"},
		"a tag that is no commit":    {"environment: previews\nimage: {repository: r.example.com/a/b}\npreview: {commit: latest}\n", "does not match pattern"},
		"a commit that is too short": {"environment: previews\nimage: {repository: r.example.com/a/b}\npreview: {commit: abcdef}\n", "does not match pattern"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := chart.Template(t.Context(), chart.TemplateOptions{Values: values(t, "team: web\n"+c.values)})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
