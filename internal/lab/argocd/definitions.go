package argocd

import (
	"context"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pave-platform/pave/hack/lab/program"
)

// Definitions gives the CustomResourceDefinitions of Argo CD's own kinds, for
// tests that need no Argo CD to run.
func Definitions(ctx context.Context) ([]*unstructured.Unstructured, error) {
	source, err := program.Source(ctx, module, sourceOfAll)
	if err != nil {
		return nil, err
	}
	return readAll(filepath.Join(source, "manifests", "crds"), "*-crd.yaml")
}
