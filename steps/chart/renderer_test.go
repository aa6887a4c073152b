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

const variants = "../../golden-path/chart/testdata/variants/"

// eachVariant runs a test for every values file of the base chart.
func eachVariant(t *testing.T, test func(t *testing.T, file string)) {
	t.Helper()
	files, err := filepath.Glob(variants + "*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d variants, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) { test(t, file) })
	}
}

func TestARendererGivesWhatTemplateGives(t *testing.T) {
	r := renderer(t)
	eachVariant(t, func(t *testing.T, file string) {
		got, err := r.Render(chart.RenderOptions{Values: valuesOf(t, file), Release: "mine", Namespace: "demo-staging"})
		if err != nil {
			t.Fatal(err)
		}
		want := template(t, chart.TemplateOptions{Values: file, Release: "mine", Namespace: "demo-staging"})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("- template, + renderer:\n%s", diff)
		}
	})
}

func TestARendererLeavesNothingBehindForTheNext(t *testing.T) {
	r := renderer(t)
	small, large := valuesOf(t, variants+"minimal.yaml"), valuesOf(t, variants+"all-canary.yaml")
	before := cmp.Diff(small, nil) + cmp.Diff(large, nil)
	first, err := r.Render(chart.RenderOptions{Values: small})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Render(chart.RenderOptions{Values: large}); err != nil {
		t.Fatal(err)
	}
	again, err := r.Render(chart.RenderOptions{Values: small})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, cmp.Diff(small, nil)+cmp.Diff(large, nil)); diff != "" {
		t.Errorf("the values were changed:\n%s", diff)
	}
}

func TestARendererRefusesInTheSameWords(t *testing.T) {
	r := renderer(t)
	for name, text := range map[string]string{
		"what the schema refuses":    "replicas: 0\n",
		"what the templates refuse":  "image: {digest: \"\"}\n",
		"what a check refuses":       "autoscaling: {minReplicas: 3, maxReplicas: 2}\n",
		"a name that no release has": "name: a\n",
	} {
		t.Run(name, func(t *testing.T) {
			base := valuesOf(t, variants+"minimal.yaml")
			var over map[string]any
			if err := yaml.Unmarshal([]byte(text), &over); err != nil {
				t.Fatal(err)
			}
			for k, v := range over {
				base[k] = v
			}
			release := ""
			if name == "a name that no release has" {
				release = "A_b"
			}
			file := filepath.Join(t.TempDir(), "values.yaml")
			data, err := yaml.Marshal(base)
			if err != nil {
				t.Fatal(err)
			}
			write(t, file, string(data))
			_, want := chart.Template(t.Context(), chart.TemplateOptions{Values: file, Release: release})
			_, got := r.Render(chart.RenderOptions{Values: base, File: "values.yaml", Release: release})
			if want == nil || got == nil {
				t.Fatalf("accepted: %v, %v", want, got)
			}
			if fault.KindOf(got) != fault.Input {
				t.Errorf("kind %d", fault.KindOf(got))
			}
			_, message, _ := strings.Cut(want.Error(), ": ")
			if !strings.HasSuffix(got.Error(), message) {
				t.Errorf("got  %v\nwant …%s", got, message)
			}
		})
	}
}

func TestARendererNeedsAKubernetesThatTheChartKnows(t *testing.T) {
	_, err := chart.NewRenderer(t.Context(), "v1.20.0")
	refused(t, err, fault.Input, "chart platform-app 0.2.0 needs Kubernetes >=1.29.0-0, not v1.20.0")
}

func renderer(t *testing.T) *chart.Renderer {
	t.Helper()
	r, err := chart.NewRenderer(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func valuesOf(t *testing.T, file string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.UnmarshalStrict(data, &values); err != nil {
		t.Fatal(err)
	}
	return values
}
