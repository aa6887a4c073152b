package argocd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
)

// Applied is what an Apply came to.
type Applied struct {
	Changed bool   // in a dry run: whether it would change anything
	Diff    string // of the cluster's Application, unified; empty for none
}

// ApplyOptions say how.
type ApplyOptions struct {
	Force  bool // take back what somebody edited by hand
	DryRun bool // let the server say what it would do, and change nothing
}

// Apply makes the cluster's Application what manifest, an application.yaml, says.
// The same again changes nothing. An Application that somebody edited by hand is
// taken back by force only, and one that Argo CD generates from Git is left to Git.
func (c *Client) Apply(ctx context.Context, manifest []byte, o ApplyOptions) (Applied, error) {
	want, err := c.wanted(manifest)
	if err != nil {
		return Applied{}, err
	}
	tried := "apply Application " + want.GetName()
	live, err := c.applications().Get(ctx, want.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) && !missingKind(err) {
		live, err = nil, nil
	}
	if err != nil {
		return Applied{}, c.explain(ctx, tried, err)
	}
	if live != nil {
		if err := applicable(live, o.Force); err != nil {
			return Applied{}, err
		}
	}
	got, err := c.apply(ctx, want, o)
	if apierrors.IsConflict(err) {
		return Applied{}, edited(want.GetName(), conflicts(err))
	}
	if err != nil {
		return Applied{}, c.explain(ctx, tried, err)
	}
	if extra := !reflect.DeepEqual(spec(got), spec(want)); extra && o.Force && !o.DryRun {
		if got, err = c.reset(ctx, got, want); err != nil {
			return Applied{}, c.explain(ctx, tried, err)
		}
	} else if extra && o.DryRun {
		got.Object["spec"] = want.Object["spec"]
	}
	return changes(live, got)
}

// wanted reads an application.yaml as the API server would.
func (c *Client) wanted(manifest []byte) (*unstructured.Unstructured, error) {
	raw, err := yaml.YAMLToJSONStrict(manifest)
	if err != nil {
		return nil, fault.Inputf("application.yaml: %w", err)
	}
	want := &unstructured.Unstructured{}
	if err := want.UnmarshalJSON(raw); err != nil {
		return nil, fault.Inputf("application.yaml: %w", err)
	}
	if want.GetNamespace() != c.namespace {
		return nil, fault.Inputf("Application %s is for namespace %s, and Argo CD is in %s", want.GetName(), want.GetNamespace(), c.namespace).
			Fix("give --argocd-namespace")
	}
	return want, nil
}

// applicable refuses an Application that is not ours to apply.
func applicable(live *unstructured.Unstructured, force bool) error {
	s, err := parse(live)
	if err != nil {
		return err
	}
	switch generator := either(s.set, s.Parent); {
	case generator != "":
		return fault.Inputf("Application %s is generated from Git by %s, which would undo what is applied", s.Name, generator).
			Fix("deploy it with --repository")
	case s.Deleting:
		return fault.Failedf("Application %s is being deleted", s.Name).Fix("wait until it is gone, and deploy again")
	case force:
		return nil
	case s.ContentHash == "":
		return fault.Failedf("Application %s is there, and somebody else than pave made it", s.Name).Fix("choose another name, or take it over with --force")
	}
	if by := editors(live); len(by) > 0 {
		return edited(s.Name, "by "+strings.Join(by, ", "))
	}
	return nil
}

// controllers put a spec into its normal form.
var controllers = []string{"argocd-application-controller", "argocd-applicationset-controller"}

// editors gives who else than pave and Argo CD has a say in the spec, as the API
// server keeps book of it.
func editors(live *unstructured.Unstructured) []string {
	var by []string
	for _, m := range live.GetManagedFields() {
		var owned map[string]any
		if m.FieldsV1 == nil || m.Manager == FieldManager || slices.Contains(controllers, m.Manager) || json.Unmarshal(m.FieldsV1.GetRawBytes(), &owned) != nil {
			continue
		}
		if _, has := owned["f:spec"]; has {
			who := m.Manager
			if m.Time != nil {
				who += " at " + m.Time.UTC().Format("2006-01-02T15:04:05Z")
			}
			by = append(by, who)
		}
	}
	slices.Sort(by)
	return by
}

func edited(name, how string) error {
	return fault.Failedf("Application %s was edited in the cluster since it was deployed (%s)", name, how).
		Fix("undo that, or overwrite it with --force; --force --dry-run shows what that does")
}

// conflicts gives the fields that somebody else has taken.
func conflicts(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return oneLine(err.Error())
	}
	var fields []string
	for _, cause := range status.Status().Details.Causes {
		fields = append(fields, strings.TrimPrefix(cause.Field, ".")+" "+cause.Message)
	}
	return oneLine(strings.Join(fields, ", "))
}

func (c *Client) apply(ctx context.Context, want *unstructured.Unstructured, o ApplyOptions) (*unstructured.Unstructured, error) {
	options := metav1.PatchOptions{FieldManager: FieldManager, FieldValidation: metav1.FieldValidationStrict, Force: &o.Force}
	if o.DryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	return c.applications().Patch(ctx, want.GetName(), types.ApplyPatchType, encode(want.Object), options)
}

// reset takes away what somebody added to the spec: applying takes back only what
// is in the manifest.
func (c *Client) reset(ctx context.Context, got, want *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	patch := encode([]any{
		map[string]any{"op": "test", "path": "/metadata/resourceVersion", "value": got.GetResourceVersion()},
		map[string]any{"op": "replace", "path": "/spec", "value": want.Object["spec"]},
	})
	return c.applications().Patch(ctx, want.GetName(), types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: FieldManager})
}

func spec(o *unstructured.Unstructured) any { return said(o.Object["spec"], false) }

// changes shows the difference of an Application before and after.
func changes(before, after *unstructured.Unstructured) (Applied, error) {
	now, err := shown(after)
	if err != nil {
		return Applied{}, err
	}
	var old []byte
	if before != nil {
		if old, err = shown(before); err != nil {
			return Applied{}, err
		}
	}
	diff := gitops.Diff(fmt.Sprintf("%s/%s", after.GetNamespace(), after.GetName()), old, now)
	return Applied{Changed: diff != "", Diff: diff}, nil
}

// shown is an Application without what servers and controllers add.
func shown(o *unstructured.Unstructured) ([]byte, error) {
	annotations := map[string]string{}
	for key, value := range o.GetAnnotations() {
		if strings.HasPrefix(key, "pave.dev/") {
			annotations[key] = value
		}
	}
	return yaml.Marshal(map[string]any{
		"metadata": map[string]any{"name": o.GetName(), "namespace": o.GetNamespace(), "labels": o.GetLabels(), "annotations": annotations, "finalizers": o.GetFinalizers()},
		"spec":     o.Object["spec"],
	})
}
