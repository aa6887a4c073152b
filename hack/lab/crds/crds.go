// Package crds has the CustomResourceDefinitions of the operators that the base
// chart speaks to, for tests. They come from the operators' own Go modules,
// pinned here and checked against modules/go.sum; none is copied into this
// repository.
package crds

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pave-platform/pave/hack/lab/program"
	"github.com/pave-platform/pave/internal/lab/kube"
)

// source is where an operator keeps its definitions.
type source struct {
	name    string
	module  string
	version string
	dir     string // in the module
	prefix  string // of the files' names; empty: all
}

var sources = []source{
	{"Traefik", "github.com/traefik/traefik/v3", "v3.7.13", "docs/content/reference/dynamic-configuration", "traefik.io_"},
	{"Argo Rollouts", "github.com/argoproj/argo-rollouts", "v1.8.3", "manifests/crds", ""},
	{"CloudNativePG", "github.com/cloudnative-pg/cloudnative-pg", "v1.27.0", "config/crd/bases", ""},
	{"RabbitMQ", "github.com/rabbitmq/cluster-operator/v2", "v2.16.0", "config/crd/bases", ""},
	{"External Secrets", "github.com/external-secrets/external-secrets", "v1.3.2", "config/crds/bases", "external-secrets.io_"},
	{"VictoriaMetrics", "github.com/VictoriaMetrics/operator", "v0.60.0", "config/crd/overlay", "crd"},
	{"Vertical Pod Autoscaler", "k8s.io/autoscaler/vertical-pod-autoscaler", "v1.8.1", "deploy", "vpa-v1-crd"},
	{"cert-manager", "github.com/cert-manager/cert-manager", "v1.21.2", "deploy/crds", ""},
	{"Kyverno", "github.com/kyverno/kyverno", "v1.19.1", "config/crds/policies.kyverno.io", ""},
}

// All gives every definition, or those of the operators named. The first call
// on a machine downloads modules.
func All(t testing.TB, operators ...string) []*unstructured.Unstructured {
	t.Helper()
	all, err := Load(t.Context(), operators...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Load is All for programs.
func Load(ctx context.Context, operators ...string) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	for _, s := range sources {
		if len(operators) != 0 && !slices.Contains(operators, s.name) {
			continue
		}
		found, err := s.load(ctx)
		if err == nil && len(found) == 0 {
			err = errors.New("no definition is there")
		}
		if err != nil {
			return nil, fmt.Errorf("definitions of %s: %w", s.name, err)
		}
		all = append(all, found...)
	}
	return all, nil
}

func (s source) load(ctx context.Context) ([]*unstructured.Unstructured, error) {
	dir, err := program.Source(ctx, "crds/modules", s.module+"@"+s.version)
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(os.DirFS(filepath.Join(dir, s.dir)), s.prefix+"*.y*ml")
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var found []*unstructured.Unstructured
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, s.dir, f))
		if err != nil {
			return nil, err
		}
		objects, err := kube.Documents(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		for _, o := range objects {
			if o.GetKind() == "CustomResourceDefinition" {
				found = append(found, o)
			}
		}
	}
	return found, nil
}
