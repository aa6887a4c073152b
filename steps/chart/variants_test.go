package chart_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pave-platform/pave/steps/chart"
)

// namespace is where variants are rendered to.
const namespace = "demo-staging"

// rendering is a variant's objects.
func rendering(t *testing.T, file string) []unstructured.Unstructured {
	t.Helper()
	r := template(t, chart.TemplateOptions{Values: file, Release: "hello-go", Namespace: namespace})
	var all []unstructured.Unstructured
	for _, o := range objects(t, []byte(r.Manifests)) {
		all = append(all, unstructured.Unstructured{Object: o})
	}
	return all
}

func TestVariantsAreAsTheGoldenFilesSay(t *testing.T) {
	for _, name := range []string{"minimal", "all-rolling", "all-canary", "all-blue-green"} {
		t.Run(name, func(t *testing.T) {
			r := template(t, chart.TemplateOptions{Values: variants + name + ".yaml", Release: "hello-go", Namespace: namespace})
			golden(t, filepath.Join("variants", name+".golden.yaml"), r.Manifests)
		})
	}
}

func TestManifestsHaveNoEmptyLines(t *testing.T) {
	eachVariant(t, func(t *testing.T, file string) {
		text := template(t, chart.TemplateOptions{Values: file}).Manifests
		for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			if strings.TrimRight(line, " ") != line || line == "" {
				t.Errorf("line %d is %q", i+1, line)
			}
		}
	})
}

func TestEveryObjectHasANamespaceAndTheRequiredLabels(t *testing.T) {
	eachVariant(t, func(t *testing.T, file string) {
		var seen []string
		for _, o := range rendering(t, file) {
			name := o.GetKind() + " " + o.GetName()
			if slices.Contains(seen, name) {
				t.Errorf("two of %s", name)
			}
			seen = append(seen, name)
			if o.GetNamespace() != namespace {
				t.Errorf("%s is in %q", name, o.GetNamespace())
			}
			if missing := missingLabels(o.GetLabels()); missing != nil {
				t.Errorf("%s has no %v", name, missing)
			}
			for _, path := range [][]string{{"spec", "template", "metadata", "labels"}, {"spec", "inheritedMetadata", "labels"}} {
				labels, found, err := unstructured.NestedStringMap(o.Object, path...)
				if err != nil {
					t.Fatal(err)
				}
				if missing := missingLabels(labels); found && missing != nil {
					t.Errorf("the pods of %s have no %v", name, missing)
				}
			}
		}
	})
}

func missingLabels(labels map[string]string) []string {
	var missing []string
	for _, name := range []string{"name", "team", "managed-by"} {
		if labels["app.kubernetes.io/"+name] == "" {
			missing = append(missing, name)
		}
	}
	return missing
}

func TestOnlyTheApplicationsPodsAreSelected(t *testing.T) {
	for _, o := range rendering(t, variants+"all-rolling.yaml") {
		labels, found, err := unstructured.NestedStringMap(o.Object, "spec", "inheritedMetadata", "labels")
		if err != nil {
			t.Fatal(err)
		}
		if found && labels["app.kubernetes.io/name"] == "hello-go" {
			t.Error("the Service would send requests to the database")
		}
	}
}

func TestFeaturesGiveTheirObjects(t *testing.T) {
	always := []string{"NetworkPolicy", "Service", "ServiceAccount"}
	rolling := append(slices.Clone(always), "Deployment")
	for name, want := range map[string][]string{
		"minimal":              rolling,
		"ingress":              append(slices.Clone(rolling), "Certificate", "IngressRoute"),
		"ingress-plain":        append(slices.Clone(rolling), "IngressRoute"),
		"secrets":              rolling,
		"secrets-vault":        append(slices.Clone(rolling), "ExternalSecret", "ExternalSecret"),
		"database":             append(slices.Clone(rolling), "NetworkPolicy", "Cluster"),
		"database-backup":      append(slices.Clone(rolling), "NetworkPolicy", "Cluster", "ScheduledBackup"),
		"messaging":            append(slices.Clone(rolling), "NetworkPolicy", "RabbitmqCluster"),
		"storage":              append(slices.Clone(rolling), "PersistentVolumeClaim", "PersistentVolumeClaim"),
		"replicas":             append(slices.Clone(rolling), "PodDisruptionBudget"),
		"autoscaling":          append(slices.Clone(rolling), "PodDisruptionBudget", "HorizontalPodAutoscaler"),
		"autoscaling-memory":   append(slices.Clone(rolling), "HorizontalPodAutoscaler"),
		"vertical-scaling":     append(slices.Clone(rolling), "VerticalPodAutoscaler"),
		"canary":               append(slices.Clone(always), "Service", "Rollout"),
		"canary-ingress":       append(slices.Clone(always), "Service", "Rollout", "TraefikService", "Certificate", "IngressRoute"),
		"blue-green":           append(slices.Clone(always), "Service", "Rollout"),
		"blue-green-automatic": append(slices.Clone(always), "Service", "Rollout"),
		"alerts":               append(slices.Clone(rolling), "VMRule"),
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, o := range rendering(t, variants+name+".yaml") {
				got = append(got, o.GetKind())
			}
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
