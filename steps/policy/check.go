package policy

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/pave-platform/pave/golden-path/policies"
	"github.com/pave-platform/pave/internal/fault"
)

// CheckOptions say what to judge by what.
type CheckOptions struct {
	Manifests       []string // files of YAML documents
	Policies        []string // files, as Render writes them; empty: the built-in ones for Registries
	Registries      []string // for the built-in policies; empty: any registry
	NamespaceLabels string   // of the namespace that the manifests are for; empty: a namespace of the platform
}

// CheckResult is the verdict.
type CheckResult struct {
	Objects    int         `json:"objects"`
	Judged     []string    `json:"judged"`             // policies
	Left       []Left      `json:"left,omitempty"`     // policies that only the cluster applies
	Violations []Violation `json:"violations"`         // of policies that deny
	Warnings   []Violation `json:"warnings,omitempty"` // of policies that audit or warn
}

// Left is a policy that was not applied.
type Left struct {
	Policy string `json:"policy"`
	Why    string `json:"why"`
}

// Violation is an object that a policy is against.
type Violation struct {
	Policy    string `json:"policy"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Message   string `json:"message"`
}

// Check judges manifests by the policies that need nothing but the manifest. A
// violation is an error of kind Gate; the result is complete then too.
func Check(ctx context.Context, o CheckOptions) (CheckResult, error) {
	namespace, err := labels.ConvertSelectorToLabelsMap(cmp.Or(o.NamespaceLabels, policies.Scope))
	if err != nil {
		return CheckResult{}, fault.Inputf("labels of the namespace: %w", err).Fix("write them as NAME=VALUE,NAME=VALUE")
	}
	objects, err := readManifests(o.Manifests)
	if err != nil {
		return CheckResult{}, err
	}
	documents, err := o.policies()
	if err != nil {
		return CheckResult{}, err
	}
	r := CheckResult{Objects: len(objects), Judged: []string{}, Violations: []Violation{}}
	judges, err := r.judges(documents, o)
	if err != nil {
		return CheckResult{}, err
	}
	for _, object := range objects {
		for _, j := range judges {
			if err := ctx.Err(); err != nil {
				return CheckResult{}, err
			}
			r.add(j, object, j.messages(ctx, object, namespace))
		}
	}
	if n := len(r.Violations); n > 0 {
		v := r.Violations[0]
		return r, fault.Gatef("%d violations of policies, first %s: %s %s %s", n, v.Policy, v.Kind, v.Name, v.Message).
			Fix("change the manifests, or ask the platform's team for an exception")
	}
	return r, nil
}

// policies gives the documents of the policies.
func (o CheckOptions) policies() ([]*unstructured.Unstructured, error) {
	if len(o.Policies) > 0 {
		return readManifests(o.Policies)
	}
	data, err := policies.RenderPartly(policies.Options{Registries: o.Registries})
	if err != nil {
		return nil, err
	}
	return parse(data)
}

// judges prepares the policies, and notes those that are left to the cluster.
func (r *CheckResult) judges(documents []*unstructured.Unstructured, o CheckOptions) ([]*judge, error) {
	var judges []*judge
	for _, d := range documents {
		if d.GetKind() == "ClusterRole" {
			continue // what a policy needs in the cluster
		}
		if d.GroupVersionKind().Group != "policies.kyverno.io" {
			return nil, fault.Inputf("%s %s is not a policy of policies.kyverno.io", d.GetKind(), d.GetName())
		}
		why := ""
		switch d.GetKind() {
		case "ValidatingPolicy":
		case "ImageValidatingPolicy":
			why = "it reads the registry; `pave sign verify` does so for one image"
		default:
			why = "it acts in the cluster"
		}
		if d.GetName() == "allowed-registries" && len(o.Policies)+len(o.Registries) == 0 {
			why = "no registry was named"
		}
		if why == "" {
			j, err := newJudge(d)
			if err == nil {
				judges, r.Judged = append(judges, j), append(r.Judged, d.GetName())
				continue
			}
			why = err.Error()
		}
		r.Left = append(r.Left, Left{d.GetName(), why})
	}
	if len(judges) == 0 {
		return nil, fault.Inputf("no policy can be applied here").Fix("give the output of pave policy render")
	}
	return judges, nil
}

func (r *CheckResult) add(j *judge, object *unstructured.Unstructured, messages []string) {
	for _, m := range messages {
		v := Violation{Policy: j.name, Kind: object.GetKind(), Namespace: object.GetNamespace(), Name: object.GetName(), Message: m}
		if j.denies {
			r.Violations = append(r.Violations, v)
		} else {
			r.Warnings = append(r.Warnings, v)
		}
	}
}

// Summary writes the violations, then what was judged.
func (r CheckResult) Summary(w io.Writer) {
	for _, v := range r.Violations {
		fmt.Fprintf(w, "refused  %s %s: %s: %s\n", v.Kind, v.Name, v.Policy, v.Message)
	}
	for _, v := range r.Warnings {
		fmt.Fprintf(w, "warned   %s %s: %s: %s\n", v.Kind, v.Name, v.Policy, v.Message)
	}
	fmt.Fprintf(w, "%d objects, %d policies, %d violations\n", r.Objects, len(r.Judged), len(r.Violations))
	for _, l := range r.Left {
		fmt.Fprintf(w, "left to the cluster: %s: %s\n", l.Policy, l.Why)
	}
}
