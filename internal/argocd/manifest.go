package argocd

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// manifest is what State needs of an argoproj.io/v1alpha1 Application.
type manifest struct {
	Spec struct {
		Project     string
		Destination struct{ Server, Name, Namespace string }
		SyncPolicy  struct{ Automated *struct{ Enabled *bool } }
	}
	Operation json.RawMessage // a sync that was asked for and has not begun
	Status    struct {
		Sync   struct{ Status, Revision string }
		Health struct {
			Status             string
			LastTransitionTime time.Time
		}
		Conditions     []Condition
		Resources      []resource
		History        []struct{ DeployedAt time.Time }
		OperationState *struct {
			Phase      string
			Message    string
			RetryCount int
			SyncResult struct{ Resources []result }
		}
	}
}

// resource is one that the Application manages. Its health is not in there by
// Argo CD's default.
type resource struct {
	Group, Version, Kind, Namespace, Name string

	Status string
	Hook   bool
}

// result is what the last sync did to one resource.
type result struct {
	Group, Version, Kind, Namespace, Name string

	Status    string // Synced, SyncFailed, Pruned, PruneSkipped; empty: not yet, or a hook
	Message   string
	HookType  string
	HookPhase string // Running, Succeeded, Failed, Error
}

func (m *manifest) automated() bool {
	a := m.Spec.SyncPolicy.Automated
	return a != nil && (a.Enabled == nil || *a.Enabled)
}

func (m *manifest) operation(object *unstructured.Unstructured) Operation {
	o := Operation{Running: len(m.Operation) > 0}
	if s := m.Status.OperationState; s != nil {
		o.Phase, o.Message, o.Retries, o.results = s.Phase, s.Message, s.RetryCount, s.SyncResult.Resources
		o.Running = o.Running || s.Phase == "Running" || s.Phase == "Terminating"
		o.Current = same(object, []string{"spec", "source"}, []string{"status", "operationState", "syncResult", "source"}) &&
			same(object, []string{"spec", "sources"}, []string{"status", "operationState", "syncResult", "sources"})
	}
	return o
}

// healthySince is the later of the last change of health and the last deploy: a
// release that replaced another without a moment of ill health is as young as it
// is.
func (m *manifest) healthySince() time.Time {
	since := m.Status.Health.LastTransitionTime
	for _, h := range m.Status.History {
		if h.DeployedAt.After(since) {
			since = h.DeployedAt
		}
	}
	return since
}

// sameSpec tells whether Argo CD's comparison was with the spec as it is now. Sync
// and health alone do not tell: they stay as they were for a moment after a change.
func sameSpec(object *unstructured.Unstructured) bool {
	for _, field := range []string{"source", "sources", "destination", "ignoreDifferences"} {
		if !same(object, []string{"spec", field}, []string{"status", "sync", "comparedTo", field}) {
			return false
		}
	}
	_, compared, _ := unstructured.NestedMap(object.Object, "status", "sync", "comparedTo")
	return compared
}

func same(object *unstructured.Unstructured, a, b []string) bool {
	left, _, _ := unstructured.NestedFieldNoCopy(object.Object, a...)
	right, _, _ := unstructured.NestedFieldNoCopy(object.Object, b...)
	return reflect.DeepEqual(said(left, true), said(right, true))
}

// said drops what Argo CD drops when it copies a spec: nulls, and outside of the
// chart's values, where they mean something, empty fields.
func said(v any, empties bool) any {
	switch v := v.(type) {
	case map[string]any:
		kept := map[string]any{}
		for key, field := range v {
			if f := said(field, empties && key != "valuesObject"); f != nil {
				kept[key] = f
			}
		}
		if empties && len(kept) == 0 {
			return nil
		}
		return kept
	case []any:
		if empties && len(v) == 0 {
			return nil
		}
		kept := make([]any, len(v))
		for i := range v {
			kept[i] = said(v[i], empties)
		}
		return kept
	case string:
		if empties && v == "" {
			return nil
		}
	case bool:
		if empties && !v {
			return nil
		}
	}
	return v
}

// generators gives the Application that object is a resource of, and the
// ApplicationSet that it is made by.
func generators(object *unstructured.Unstructured) (parent, set string) {
	// Argo CD's mark is APPLICATION:GROUP/KIND:NAMESPACE/NAME.
	parent, rest, found := strings.Cut(object.GetAnnotations()["argocd.argoproj.io/tracking-id"], ":")
	if !found || !strings.HasPrefix(rest, "argoproj.io/Application:") {
		parent = object.GetLabels()["app.kubernetes.io/instance"] // with label tracking
	}
	for _, owner := range object.GetOwnerReferences() {
		if owner.Kind == "ApplicationSet" {
			set = owner.Name
		}
	}
	return parent, set
}
