package policies_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/golden-path/policies"
	"github.com/pave-platform/pave/golden-path/policies/policiestest"
	"github.com/pave-platform/pave/internal/fault"
)

func TestAPlatformsValuesAreInTheirPlaces(t *testing.T) {
	o := policiestest.Options(t)
	o.ExceptionDays, o.PullSecrets = 14, []string{"registry-login"}
	o.Operators = []string{`system:serviceaccount:a:"b`}
	got, err := policies.Render(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`expression: "[\"registry.example.internal\",\"mirror.example.internal:5000/dockerhub\"]"`,
		`expression: "14"`,
		`expression: "[\"system:serviceaccount:a:\\\"b\"]"`,
		"            -----BEGIN PUBLIC KEY-----\n",
		"  credentials:\n    secrets:\n      - registry-login\n",
		"# an ephemeral one may not have limits", // comments stay
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s is not in the policies", want)
		}
	}
	if n := bytes.Count(got, []byte("apiVersion: policies.kyverno.io/v1\n")); n != len(policies.Names()) {
		t.Errorf("%d policies were rendered", n)
	}
	again, err := policies.Render(o)
	if diff := cmp.Diff(string(got), string(again)); diff != "" || err != nil {
		t.Errorf("rendered again: %v\n%s", err, diff)
	}
}

// What is not rendered must not be open by mistake.
func TestTheFilesAsTheyStandLetNoImagePass(t *testing.T) {
	for file, line := range map[string]string{
		"allowed-registries.yaml":    "- name: registries\n      expression: \"[]\"\n",
		"only-signed-images.yaml":    "data: \"\"\n",
		"only-signed-previews.yaml":  "data: \"\"\n",
		"exceptions-need-owner.yaml": "- name: days\n      expression: \"0\"\n",
	} {
		data, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(data), line) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestEachPolicyIsNamedLikeItsFileAndInTheREADME(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range policies.Names() {
		data, err := os.ReadFile(name + ".yaml")
		if err != nil || !strings.Contains(string(data), "\nmetadata:\n  name: "+name+"\n") {
			t.Errorf("%s.yaml names another policy: %v", name, err)
		}
		if !strings.Contains(string(readme), "| `"+name+"` |") {
			t.Errorf("README.md does not list %s", name)
		}
	}
}

func TestBadOptions(t *testing.T) {
	for name, change := range map[string]func(*policies.Options){
		"no registry":             func(o *policies.Options) { o.Registries = nil },
		"a URL":                   func(o *policies.Options) { o.Registries = []string{"https://registry.example.com"} },
		"a slash at the end":      func(o *policies.Options) { o.Registries = []string{"registry.example.com/"} },
		"a pattern":               func(o *policies.Options) { o.Registries = []string{"*.example.com"} },
		"two registries in one":   func(o *policies.Options) { o.Registries = []string{"a.example.com,b.example.com"} },
		"an empty registry":       func(o *policies.Options) { o.Registries = []string{""} },
		"no key":                  func(o *policies.Options) { o.PublicKey = nil },
		"a key that is not PEM":   func(o *policies.Options) { o.PublicKey = []byte("key") },
		"a key that does not fit": func(o *policies.Options) { o.PublicKey = bytes.Replace(o.PublicKey, []byte("M"), []byte("N"), 1) },
		"two keys":                func(o *policies.Options) { o.PublicKey = bytes.Repeat(o.PublicKey, 2) },
		"a private key": func(o *policies.Options) {
			o.PublicKey = bytes.ReplaceAll(o.PublicKey, []byte("PUBLIC"), []byte("PRIVATE"))
		},
		"negative days":         func(o *policies.Options) { o.ExceptionDays = -1 },
		"two years":             func(o *policies.Options) { o.ExceptionDays = 730 },
		"a blank operator":      func(o *policies.Options) { o.Operators = []string{" "} },
		"a secret with a slash": func(o *policies.Options) { o.PullSecrets = []string{"a/b"} },
	} {
		o := policiestest.Options(t)
		change(&o)
		if out, err := policies.Render(o); fault.KindOf(err) != fault.Input || err == nil || out != nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
