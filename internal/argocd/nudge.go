package argocd

import (
	"context"
	"encoding/json"
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"

	"github.com/pave-platform/pave/internal/gitops"
)

// Argo CD looks at Git every three minutes, and at once when these annotations
// ask it to. It takes them away when it has looked. They are nobody's desired
// state: neither self-heal nor an ApplicationSet undoes them.
const (
	annotationRefresh    = "argocd.argoproj.io/refresh"
	annotationSetRefresh = "argocd.argoproj.io/application-set-refresh"
)

// Refresh asks Argo CD to compare an Application with its source now. One that is
// not there is an error for which errors.Is(err, ErrMissing).
func (c *Client) Refresh(ctx context.Context, name string) error {
	_, err := c.applications().Patch(ctx, name, types.MergePatchType, annotate(annotationRefresh, "normal"), metav1.PatchOptions{FieldManager: FieldManager})
	if err != nil {
		return c.explain(ctx, "refresh Application "+name, err)
	}
	return nil
}

// RefreshParent asks Argo CD to look at Git for the Applications that parent
// generates, and where there is no parent yet, for new parents.
func (c *Client) RefreshParent(ctx context.Context, parent string) error {
	err := c.Refresh(ctx, parent)
	if !errors.Is(err, ErrMissing) {
		return err
	}
	_, err = c.applicationSets().Patch(ctx, gitops.Root, types.MergePatchType, annotate(annotationSetRefresh, "true"), metav1.PatchOptions{FieldManager: FieldManager})
	if err != nil {
		return c.explain(ctx, "refresh ApplicationSet "+gitops.Root, err)
	}
	return nil
}

func annotate(key, value string) []byte {
	return encode(map[string]any{"metadata": map[string]any{"annotations": map[string]any{key: value}}})
}

// Sync asks Argo CD to sync an Application as its own policy would. It is for one
// whose last sync failed for good, which Argo CD does not repeat by itself. If one
// runs already, nothing is done.
func (c *Client) Sync(ctx context.Context, name string) error {
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		object, err := c.applications().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if s, err := parse(object); err != nil || s.Operation.Running {
			return err
		}
		_, err = c.applications().Patch(ctx, name, types.MergePatchType, encode(map[string]any{
			"metadata":  map[string]any{"resourceVersion": object.GetResourceVersion()},
			"operation": operation(object),
		}), metav1.PatchOptions{FieldManager: FieldManager})
		return err
	})
	if err != nil {
		return c.explain(ctx, "sync Application "+name, err)
	}
	return nil
}

// operation is a sync with the Application's own options.
func operation(object *unstructured.Unstructured) map[string]any {
	sync := map[string]any{"prune": true}
	if options, found, _ := unstructured.NestedStringSlice(object.Object, "spec", "syncPolicy", "syncOptions"); found {
		sync["syncOptions"] = options
	}
	o := map[string]any{"initiatedBy": map[string]any{"username": "pave"}, "sync": sync}
	if again, found, _ := unstructured.NestedMap(object.Object, "spec", "syncPolicy", "retry"); found {
		o["retry"] = again
	}
	return o
}

// encode writes JSON of what is made of maps, lists and strings: there is nothing
// that could fail.
func encode(v any) []byte {
	raw, _ := json.Marshal(v)
	return raw
}
