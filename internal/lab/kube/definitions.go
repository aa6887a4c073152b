package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// installTimeout is far more than a hundred definitions take on a busy machine.
const installTimeout = 5 * time.Minute

// atOnce is how many definitions are on their way to the server at a time.
const atOnce = 4

// Install installs CustomResourceDefinitions and waits until the server serves
// them.
func (c *Client) Install(ctx context.Context, crds []*unstructured.Unstructured) error {
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	all, allCtx := errgroup.WithContext(ctx)
	all.SetLimit(atOnce)
	for _, crd := range crds {
		all.Go(func() error { return c.create(allCtx, crd) })
	}
	if err := all.Wait(); err != nil {
		return err
	}
	for _, crd := range crds { // most are by now, so that few are read twice: they are large
		if err := c.established(ctx, crd); err != nil {
			return err
		}
		if err := c.custom.learn(crd); err != nil {
			return err
		}
	}
	return nil
}

// create applies crd. A new one is created, which costs the server half of that:
// it need not merge a megabyte field by field.
func (c *Client) create(ctx context.Context, crd *unstructured.Unstructured) error {
	resource, err := c.Resource(crd.GroupVersionKind(), "")
	if err != nil {
		return err
	}
	_, err = resource.Create(ctx, crd, metav1.CreateOptions{FieldManager: FieldManager, FieldValidation: metav1.FieldValidationStrict})
	if apierrors.IsAlreadyExists(err) {
		_, err = c.Apply(ctx, crd)
		return err
	}
	if err != nil {
		return fmt.Errorf("%s: %w", crd.GetName(), err)
	}
	return nil
}

func (c *Client) established(ctx context.Context, crd *unstructured.Unstructured) error {
	resource, err := c.Resource(crd.GroupVersionKind(), "")
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
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// kinds are those of the installed definitions.
type kinds struct {
	mu     sync.Mutex
	mapper *meta.DefaultRESTMapper
}

func newKinds() *kinds { return &kinds{mapper: meta.NewDefaultRESTMapper(nil)} }

func (k *kinds) mapping(kind schema.GroupVersionKind) (*meta.RESTMapping, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.mapper.RESTMapping(kind.GroupKind(), kind.Version)
}

// learn adds the kind that crd defines.
func (k *kinds) learn(crd *unstructured.Unstructured) error {
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
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &is); err != nil {
		return fmt.Errorf("%s: %w", crd.GetName(), err)
	}
	scope := meta.RESTScope(meta.RESTScopeRoot)
	if is.Spec.Scope == "Namespaced" {
		scope = meta.RESTScopeNamespace
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, v := range is.Spec.Versions {
		if v.Served {
			gv := schema.GroupVersion{Group: is.Spec.Group, Version: v.Name}
			k.mapper.AddSpecific(gv.WithKind(is.Spec.Names.Kind), gv.WithResource(is.Spec.Names.Plural), gv.WithResource(is.Spec.Names.Singular), scope)
		}
	}
	return nil
}
