// Package policiestest has good and bad objects for each policy, for tests of
// whatever judges by them.
package policiestest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"embed"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/golden-path/policies"
)

//go:embed cases/*.yaml
var files embed.FS

// Namespaces that the cases are in: one of the platform and another one.
const (
	Platform  = "demo"
	Elsewhere = "elsewhere"
)

// Case is an object that a policy lets pass or refuses.
type Case struct {
	Policy string
	Object *unstructured.Unstructured
}

// Good says whether the policy lets the object pass.
func (c Case) Good() bool { return strings.HasPrefix(c.Object.GetName(), "good-") }

// Cases gives all cases, by policy. An object's name is unique, and begins with
// good or bad.
func Cases(t testing.TB) map[string][]Case {
	t.Helper()
	entries, err := files.ReadDir("cases")
	must(t, err)
	all, seen := map[string][]Case{}, map[string]bool{}
	for _, e := range entries {
		data, err := files.ReadFile("cases/" + e.Name())
		must(t, err)
		policy := strings.TrimSuffix(e.Name(), ".yaml")
		for _, document := range bytes.Split(dated(data), []byte("\n---\n")) {
			object := &unstructured.Unstructured{}
			must(t, yaml.UnmarshalStrict(document, &object.Object))
			name := object.GetName()
			if seen[name] || !strings.HasPrefix(name, "good-") && !strings.HasPrefix(name, "bad-") {
				t.Fatalf("%s: the name %q is taken, or neither good nor bad", e.Name(), name)
			}
			seen[name] = true
			all[policy] = append(all[policy], Case{policy, object})
		}
	}
	return all
}

// dated sets the dates that lie ahead.
func dated(data []byte) []byte {
	for _, days := range []int{30, policies.DefaultExceptionDays + 1} {
		date := time.Now().Add(time.Duration(days) * 24 * time.Hour).UTC().Format(time.RFC3339)
		data = bytes.ReplaceAll(data, fmt.Appendf(nil, "IN_%d_DAYS", days), []byte(`"`+date+`"`))
	}
	return data
}

// Options are those that the cases are for, with a key that signs nothing.
func Options(t testing.TB) policies.Options {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	must(t, err)
	return policies.Options{
		Registries: []string{"registry.example.internal", "mirror.example.internal:5000/dockerhub"},
		PublicKey:  pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
	}
}

// Manifests gives the objects as a stream of YAML documents.
func Manifests(t testing.TB, objects ...*unstructured.Unstructured) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, o := range objects {
		data, err := yaml.Marshal(o.Object)
		must(t, err)
		fmt.Fprintf(&out, "---\n%s", data)
	}
	return out.Bytes()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
