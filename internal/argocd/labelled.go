package argocd

import (
	"context"
	"encoding/json"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// Labelled is an Application with what it says of itself.
type Labelled struct {
	State
	Labels      map[string]string
	Annotations map[string]string

	uid        types.UID
	finalizers []string
}

// Labelled gives the Applications that bear all of these labels, by name.
func (c *Client) Labelled(ctx context.Context, with map[string]string) ([]Labelled, error) {
	list, err := c.applications().List(ctx, metav1.ListOptions{LabelSelector: labels.SelectorFromSet(with).String()})
	if err != nil {
		return nil, c.explain(ctx, "list the Applications", err)
	}
	var all []Labelled
	for i := range list.Items {
		object := &list.Items[i]
		s, err := parse(object)
		if err != nil {
			return nil, err
		}
		all = append(all, Labelled{
			State: s, Labels: object.GetLabels(), Annotations: object.GetAnnotations(),
			uid: object.GetUID(), finalizers: object.GetFinalizers(),
		})
	}
	return all, nil
}

// cascade makes Argo CD remove what an Application deployed before the Application
// goes.
const cascade = "resources-finalizer.argocd.argoproj.io"

// Delete removes an Application as it was read, and has Argo CD remove what it
// deployed. One that is gone, or on its way, is no error. It does not wait.
func (c *Client) Delete(ctx context.Context, a Labelled) error {
	if !a.Deleting && !slices.Contains(a.finalizers, cascade) {
		body, err := json.Marshal(map[string]any{"metadata": map[string]any{
			"uid": a.uid, "resourceVersion": a.version, "finalizers": append(slices.Clone(a.finalizers), cascade),
		}})
		if err != nil {
			return err
		}
		_, err = c.applications().Patch(ctx, a.Name, types.MergePatchType, body, metav1.PatchOptions{FieldManager: FieldManager})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return c.explain(ctx, "prepare Application "+a.Name+" for its removal", err)
		}
	}
	background := metav1.DeletePropagationBackground
	err := c.applications().Delete(ctx, a.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &a.uid}, PropagationPolicy: &background})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) { // gone, or another one of that name by now
		return nil
	}
	if err != nil {
		return c.explain(ctx, "remove Application "+a.Name, err)
	}
	return nil
}
