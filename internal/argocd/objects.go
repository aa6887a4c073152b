package argocd

import (
	"context"
	"errors"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// errNotThere is an object, or a kind, that the cluster does not have.
var errNotThere = errors.New("not there")

var (
	pods        = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	events      = schema.GroupVersionResource{Version: "v1", Resource: "events"}
	replicaSets = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "replicasets"}
)

func (c *Client) get(ctx context.Context, kind schema.GroupVersionResource, namespace, name string) (*unstructured.Unstructured, error) {
	object, err := c.objects.Resource(kind).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, errNotThere
	}
	return object, err
}

// live gives a resource of an Application as it is in the cluster.
func (c *Client) live(ctx context.Context, r resource) (*unstructured.Unstructured, error) {
	kind := schema.GroupKind{Group: r.Group, Kind: r.Kind}
	mapping, err := c.mapper.RESTMapping(kind, r.Version)
	if meta.IsNoMatchError(err) {
		c.mapper.Reset() // it may have come since
		mapping, err = c.mapper.RESTMapping(kind, r.Version)
	}
	if meta.IsNoMatchError(err) {
		return nil, errNotThere
	}
	if err != nil {
		return nil, err
	}
	return c.get(ctx, mapping.Resource, r.Namespace, r.Name)
}

// list gives the objects of a kind in a namespace, read once.
func (f *findings) list(ctx context.Context, kind schema.GroupVersionResource, namespace string) []unstructured.Unstructured {
	key := kind.Resource + "/" + namespace
	if found, known := f.listed[key]; known {
		return found
	}
	list, err := f.client.objects.Resource(kind).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		f.failed(ctx, err)
		list = &unstructured.UnstructuredList{}
	}
	if f.listed == nil {
		f.listed = map[string][]unstructured.Unstructured{}
	}
	f.listed[key] = list.Items
	return list.Items
}

// owned gives the objects of a kind that owner controls.
func (f *findings) owned(ctx context.Context, kind schema.GroupVersionResource, owner *unstructured.Unstructured) []unstructured.Unstructured {
	var found []unstructured.Unstructured
	for _, o := range f.list(ctx, kind, owner.GetNamespace()) {
		if by := metav1.GetControllerOf(&o); by != nil && by.UID == owner.GetUID() {
			found = append(found, o)
		}
	}
	return found
}

// event is what a component of Kubernetes said about an object.
type event struct{ reason, message string }

// events gives what was said about an object, newest last.
func (f *findings) events(ctx context.Context, uid types.UID, namespace string) []event {
	list, err := f.client.objects.Resource(events).Namespace(namespace).List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("involvedObject.uid", string(uid)).String(),
	})
	if err != nil {
		f.failed(ctx, err)
		return nil
	}
	slices.SortStableFunc(list.Items, func(a, b unstructured.Unstructured) int {
		return strings.Compare(text(a.Object, "lastTimestamp"), text(b.Object, "lastTimestamp")) // RFC 3339, UTC
	})
	said := make([]event, 0, len(list.Items))
	for _, e := range list.Items {
		said = append(said, event{text(e.Object, "reason"), text(e.Object, "message")})
	}
	return said
}

// text is a string in an object; empty where there is none.
func text(object map[string]any, path ...string) string {
	s, _, _ := unstructured.NestedString(object, path...)
	return s
}

// status is a condition as Kubernetes' kinds have them.
type status struct{ Type, Status, Reason, Message string }

func conditions(object *unstructured.Unstructured) []status {
	list, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	var all []status
	for _, one := range list {
		if fields, ok := one.(map[string]any); ok {
			all = append(all, status{text(fields, "type"), text(fields, "status"), text(fields, "reason"), text(fields, "message")})
		}
	}
	return all
}

// into reads an object as a type of Kubernetes' own.
func into[T any](object *unstructured.Unstructured) (T, error) {
	var typed T
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &typed)
	return typed, err
}
