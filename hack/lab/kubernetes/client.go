package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

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

// client applies objects of any kind, as a strict `kubectl apply` does.
type client struct {
	dynamic dynamic.Interface
	builtin meta.RESTMapper
	custom  *meta.DefaultRESTMapper // of the installed CRDs: discovery lags behind
}

func newClient(t testing.TB, config *rest.Config) *client {
	t.Helper()
	config = rest.CopyConfig(config)
	config.WarningHandlerWithContext = toCaller{}
	objects, err := dynamic.NewForConfig(config)
	must(t, err)
	groups, err := discovery.NewDiscoveryClientForConfig(config)
	must(t, err)
	return &client{
		dynamic: objects,
		builtin: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(groups)),
		custom:  meta.NewDefaultRESTMapper(nil),
	}
}

// Applied is what the server made of an object, and what it warned of.
type Applied struct {
	Object   *unstructured.Unstructured
	Warnings []string
}

// Apply applies object on the server's side, with strict field validation: an
// unknown or duplicate field is an error. Options like a dry run come on top.
func (c *client) Apply(ctx context.Context, object *unstructured.Unstructured, dryRun ...string) (Applied, error) {
	resource, err := c.resource(object)
	if err != nil {
		return Applied{}, err
	}
	data, err := json.Marshal(object)
	if err != nil {
		return Applied{}, err
	}
	var a Applied
	a.Object, err = resource.Patch(context.WithValue(ctx, warnings{}, &a.Warnings), object.GetName(), types.ApplyPatchType, data, metav1.PatchOptions{
		FieldManager: FieldManager, FieldValidation: metav1.FieldValidationStrict, DryRun: dryRun,
	})
	if err != nil {
		return Applied{}, fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
	}
	return a, nil
}

func (c *client) resource(object *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	kind := object.GroupVersionKind()
	mapping, err := c.custom.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) {
		mapping, err = c.builtin.RESTMapping(kind.GroupKind(), kind.Version)
	}
	if err != nil {
		return nil, err
	}
	all := c.dynamic.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		return all.Namespace(object.GetNamespace()), nil
	}
	return all, nil
}

// Namespace makes a namespace with labels.
func (c *client) Namespace(t testing.TB, name string, labels map[string]string) {
	t.Helper()
	ns := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
	ns.SetName(name)
	ns.SetLabels(labels)
	_, err := c.Apply(t.Context(), ns)
	must(t, err)
}

// Install installs CustomResourceDefinitions and waits until the server serves
// them.
func (c *client) Install(t testing.TB, crds []*unstructured.Unstructured) {
	t.Helper()
	for _, crd := range crds {
		_, err := c.Apply(t.Context(), crd)
		must(t, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, crd := range crds {
		must(t, c.established(ctx, crd))
		c.learn(t, crd)
	}
}

func (c *client) established(ctx context.Context, crd *unstructured.Unstructured) error {
	resource, err := c.resource(crd)
	if err != nil {
		return err
	}
	for {
		now, err := resource.Get(ctx, crd.GetName(), metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("%s: %w", crd.GetName(), err)
		}
		conditions, _, _ := unstructured.NestedSlice(now.Object, "status", "conditions")
		for _, condition := range conditions {
			if is, ok := condition.(map[string]any); ok && is["type"] == "Established" && is["status"] == "True" {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not established: %w, its conditions are %v", crd.GetName(), ctx.Err(), conditions)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// learn adds the kind that crd defines.
func (c *client) learn(t testing.TB, crd *unstructured.Unstructured) {
	t.Helper()
	var is struct {
		Spec struct {
			Group string
			Scope string
			Names struct{ Plural, Singular, Kind string }

			Versions []struct {
				Name   string
				Served bool
			}
		}
	}
	data, err := crd.MarshalJSON()
	must(t, err)
	must(t, json.Unmarshal(data, &is))
	scope := meta.RESTScope(meta.RESTScopeRoot)
	if is.Spec.Scope == "Namespaced" {
		scope = meta.RESTScopeNamespace
	}
	for _, v := range is.Spec.Versions {
		if v.Served {
			gv := schema.GroupVersion{Group: is.Spec.Group, Version: v.Name}
			c.custom.AddSpecific(gv.WithKind(is.Spec.Names.Kind), gv.WithResource(is.Spec.Names.Plural), gv.WithResource(is.Spec.Names.Singular), scope)
		}
	}
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
