// Package crds has the CustomResourceDefinitions of the operators that the base
// chart speaks to, for tests. They come from the operators' own Go modules,
// pinned here and checked against modules/go.sum; none is copied into this
// repository.
package crds

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/pave-platform/pave/hack/lab/program"
	"github.com/pave-platform/pave/internal/buildcache"
	"github.com/pave-platform/pave/internal/subprocess"
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

// All gives every definition. The first call on a machine downloads modules.
func All(t testing.TB) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	for _, s := range sources {
		found, err := s.load(t.Context())
		if err == nil && len(found) == 0 {
			err = errors.New("no definition is there")
		}
		if err != nil {
			t.Fatalf("definitions of %s: %v", s.name, err)
		}
		all = append(all, found...)
	}
	return all
}

func (s source) load(ctx context.Context) ([]*unstructured.Unstructured, error) {
	dir, err := s.download(ctx)
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
		in, err := definitions(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		found = append(found, in...)
	}
	return found, nil
}

// download gives the module's folder in Go's module cache.
func (s source) download(ctx context.Context) (string, error) {
	checked, err := program.Dir("crds/modules")
	if err != nil {
		return "", err
	}
	cmd := subprocess.Command(ctx, "go", "mod", "download", "-json", s.module+"@"+s.version)
	cmd.Dir = checked
	cmd.Env = append(buildcache.GoEnv(), "GOFLAGS=-mod=mod")
	out, err := cmd.Output() // on failure too, it says why in JSON
	var said struct{ Dir, Error string }
	if len(out) == 0 || json.Unmarshal(out, &said) != nil {
		return "", fmt.Errorf("go mod download %s@%s: %w", s.module, s.version, err)
	}
	if said.Error != "" {
		return "", errors.New(strings.TrimSpace(said.Error))
	}
	return said.Dir, nil
}

// definitions gives the CustomResourceDefinitions among the documents in data.
func definitions(data []byte) ([]*unstructured.Unstructured, error) {
	var found []*unstructured.Unstructured
	for decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096); ; {
		object := map[string]any{}
		if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, err
		}
		if object["kind"] == "CustomResourceDefinition" {
			found = append(found, &unstructured.Unstructured{Object: object})
		}
	}
}
