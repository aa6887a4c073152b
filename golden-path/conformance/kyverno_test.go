package conformance

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pave-platform/pave/golden-path/policies/policiestest"
	"github.com/pave-platform/pave/hack/lab/crds"
	"github.com/pave-platform/pave/hack/lab/kyverno"
)

// verdict is what Kyverno thinks of one object by one policy.
type verdict struct {
	Policy, Kind, Namespace, Name string

	Result  string // pass, fail, error, skip
	Message string
}

// engine is Kyverno's command with what it runs on.
type engine struct {
	path string
	args []string // on top of the usual ones
	env  []string
}

func newEngine(t *testing.T) engine {
	t.Helper()
	return engine{
		path: kyverno.CLI(t), env: []string{"HOME=" + t.TempDir()},
		args: []string{"--crd-paths", write(t, "crds.yaml", known(t)...)},
	}
}

// known gives the definitions by which Kyverno finds the resource of a kind where
// there is no cluster.
func known(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	var found []*unstructured.Unstructured
	for _, crd := range crds.All(t) {
		if name := crd.GetName(); name == "rollouts.argoproj.io" || name == "policyexceptions.policies.kyverno.io" {
			found = append(found, crd)
		}
	}
	return found
}

// judge applies policies to objects. Every namespace is the platform's, but for
// the one elsewhere, and one of them has previews.
func (e engine) judge(t *testing.T, policies, objects []*unstructured.Unstructured) []verdict {
	t.Helper()
	policies = slices.DeleteFunc(slices.Clone(policies), func(p *unstructured.Unstructured) bool { return p.GetKind() == "ClusterRole" })
	args := append([]string{
		"apply", write(t, "policies.yaml", policies...), "--resource", write(t, "objects.yaml", objects...),
		"--values-file", namespaces(t, objects), "--policy-report", "--output-format", "json", "--remove-color",
	}, e.args...)
	cmd := exec.CommandContext(t.Context(), e.path, args...)
	cmd.Env = e.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	report := bytes.Index(out, []byte(`{"kind":"ClusterReport"`))
	if report < 0 && err == nil {
		return nil // nothing was judged
	}
	if report < 0 { // with one, it exits with 1 when an object is refused
		t.Fatalf("Kyverno: %v\n%s\n%s", err, out, stderr.String())
	}
	var got struct {
		Results []struct {
			Policy, Result, Message string
			Resources               []struct{ Kind, Namespace, Name string }
		}
	}
	must(t, json.NewDecoder(bytes.NewReader(out[report:])).Decode(&got))
	var all []verdict
	for _, r := range got.Results {
		for _, o := range r.Resources {
			all = append(all, verdict{r.Policy, o.Kind, o.Namespace, o.Name, r.Result, r.Message})
		}
	}
	slices.SortFunc(all, func(a, b verdict) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Policy, b.Policy))
	})
	return all
}

// previewNamespace has previews.
const previewNamespace = "demo-previews"

// namespaces writes the namespaces' labels for Kyverno.
func namespaces(t *testing.T, objects []*unstructured.Unstructured) string {
	t.Helper()
	var all []any
	seen := map[string]bool{"": true}
	for _, o := range objects {
		name := o.GetNamespace()
		if seen[name] {
			continue
		}
		seen[name] = true
		labels := map[string]any{"managed-by": "idp-platform"}
		switch name {
		case policiestest.Elsewhere:
			labels = map[string]any{"managed-by": "somebody"}
		case previewNamespace:
			labels["pave.dev/environment"] = "previews"
		}
		all = append(all, map[string]any{"name": name, "labels": labels})
	}
	return write(t, "values.yaml", &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "cli.kyverno.io/v1alpha1", "kind": "Values",
		"metadata": map[string]any{"name": "values"}, "namespaceSelector": all,
	}})
}

// refused gives what did not pass, one line each.
func refused(verdicts []verdict) []string {
	var lines []string
	for _, v := range verdicts {
		if v.Result != "pass" && v.Result != "skip" {
			lines = append(lines, fmt.Sprintf("%s %s/%s/%s", v.Policy, v.Namespace, v.Kind, v.Name))
		}
	}
	slices.Sort(lines)
	return lines
}
