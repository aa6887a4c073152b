package chart_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/pave-platform/pave/hack/lab/helm"
	"github.com/pave-platform/pave/steps/chart"
)

const baseChart = "../../golden-path/chart/platform-app"

func TestHelmsOwnCommandFindsTheSameObjects(t *testing.T) {
	command, err := helm.CLI(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	eachVariant(t, func(t *testing.T, file string) {
		cmd := exec.CommandContext(t.Context(), command, "template", "mine", baseChart,
			"--namespace=demo-staging", "--kube-version="+chart.DefaultKubeVersion, "--values="+file)
		cmd.Env = append(os.Environ(), "HOME="+home, "KUBECONFIG=")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		text, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, stderr.String())
		}
		ours := template(t, chart.TemplateOptions{Values: file, Release: "mine", Namespace: "demo-staging"})
		if diff := cmp.Diff(objects(t, text), objects(t, []byte(ours.Manifests))); diff != "" {
			t.Errorf("- helm, + pave:\n%s", diff)
		}
	})
}

// objects reads manifests, in their order.
func objects(t *testing.T, text []byte) []map[string]any {
	t.Helper()
	var all []map[string]any
	for d := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096); ; {
		var o map[string]any
		err := d.Decode(&o)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(o) > 0 {
			all = append(all, o)
		}
	}
}
