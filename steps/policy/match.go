package policy

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

// constraints say which objects a policy is for, as in the API server's
// admission policies.
type constraints struct {
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`
	ObjectSelector    *metav1.LabelSelector `json:"objectSelector,omitempty"`
	ResourceRules     []resourceRule        `json:"resourceRules,omitempty"`
}

type resourceRule struct {
	APIGroups   []string `json:"apiGroups"`
	APIVersions []string `json:"apiVersions"`
	Operations  []string `json:"operations"`
	Resources   []string `json:"resources"`
}

// match says whether creating object in a namespace with those labels is
// judged.
func (c constraints) match(object *unstructured.Unstructured, namespace labels.Set) (bool, error) {
	if !slices.ContainsFunc(c.ResourceRules, func(r resourceRule) bool { return r.match(object) }) {
		return false, nil
	}
	for selector, set := range map[*metav1.LabelSelector]labels.Set{c.NamespaceSelector: namespace, c.ObjectSelector: object.GetLabels()} {
		if selector == nil {
			continue
		}
		s, err := metav1.LabelSelectorAsSelector(selector)
		if err != nil || !s.Matches(set) {
			return false, err
		}
	}
	return true, nil
}

func (r resourceRule) match(object *unstructured.Unstructured) bool {
	kind := object.GroupVersionKind()
	plural, _ := meta.UnsafeGuessKindToResource(kind)
	return has(r.APIGroups, kind.Group) && has(r.APIVersions, kind.Version) &&
		has(r.Operations, "CREATE") && (has(r.Resources, plural.Resource) || slices.Contains(r.Resources, "*/*"))
}

func has(list []string, s string) bool {
	return slices.ContainsFunc(list, func(e string) bool { return e == "*" || strings.EqualFold(e, s) })
}
