// Package kube is a client for the objects of a lab's cluster, of whatever
// kind: it applies as a strict `kubectl apply` does, and knows kinds as soon as
// they are installed, which discovery does not.
package kube

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// FieldManager owns what the client applies.
const FieldManager = "pave-test"

// Client speaks to one cluster.
type Client struct {
	Dynamic dynamic.Interface

	builtin *restmapper.DeferredDiscoveryRESTMapper
	custom  *kinds
}

// New makes a client. It asks the server for nothing yet.
func New(config *rest.Config) (*Client, error) {
	config = rest.CopyConfig(config)
	config.WarningHandlerWithContext = toCaller{}
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	groups, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Client{
		Dynamic: objects,
		builtin: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(groups)),
		custom:  newKinds(),
	}, nil
}

// Applied is what the server made of an object, and what it warned of.
type Applied struct {
	Object   *unstructured.Unstructured
	Warnings []string
}

// Apply applies object on the server's side, with strict field validation: an
// unknown or duplicate field is an error. Options like a dry run come on top.
func (c *Client) Apply(ctx context.Context, object *unstructured.Unstructured, dryRun ...string) (Applied, error) {
	resource, err := c.Resource(object.GroupVersionKind(), object.GetNamespace())
	if err != nil {
		return Applied{}, err
	}
	data, err := json.Marshal(object)
	if err != nil {
		return Applied{}, err
	}
	force := true // a second apply of what a controller has touched is no conflict of ours
	var a Applied
	a.Object, err = resource.Patch(context.WithValue(ctx, warnings{}, &a.Warnings), object.GetName(), types.ApplyPatchType, data, metav1.PatchOptions{
		FieldManager: FieldManager, FieldValidation: metav1.FieldValidationStrict, DryRun: dryRun, Force: &force,
	})
	if err != nil {
		return Applied{}, fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
	}
	return a, nil
}

// Resource gives the client for objects of a kind, in a namespace where the
// kind is in namespaces.
func (c *Client) Resource(kind schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, error) {
	mapping, err := c.custom.mapping(kind)
	if meta.IsNoMatchError(err) {
		mapping, err = c.builtin.RESTMapping(kind.GroupKind(), kind.Version)
	}
	if err != nil {
		return nil, err
	}
	all := c.Dynamic.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		return all.Namespace(namespace), nil
	}
	return all, nil
}

// Namespace makes a namespace with labels.
func (c *Client) Namespace(ctx context.Context, name string, labels map[string]string) error {
	ns := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
	ns.SetName(name)
	ns.SetLabels(labels)
	_, err := c.Apply(ctx, ns)
	return err
}

// warnings is the key of a request's list of warnings.
type warnings struct{}

// toCaller hands the server's warnings to who made the request.
type toCaller struct{}

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext.
func (toCaller) HandleWarningHeaderWithContext(ctx context.Context, _ int, _, text string) {
	if list, ok := ctx.Value(warnings{}).(*[]string); ok {
		*list = append(*list, text)
	}
}
