package gitops_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/internal/gitops"
)

func digest(n int) string { return fmt.Sprintf("sha256:%04d%060d", n, 0) }

var target = gitops.Target{Project: "shop", Environment: "staging", App: "web"}

// application is image 1 of web, with the given values besides.
func application(t *testing.T, values string) gitops.Application {
	t.Helper()
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte("team: checkout\n"+values), 0o644); err != nil {
		t.Fatal(err)
	}
	v, err := gitops.ReadValues(file)
	if err != nil {
		t.Fatal(err)
	}
	image, err := v.Pin("registry.example.internal/shop/web@" + digest(1))
	if err != nil {
		t.Fatal(err)
	}
	return gitops.Application{
		Target: target, Cluster: "https://k8s.example.internal:6443", ArgoCDNamespace: "cd",
		Release: gitops.Release{
			Image: image.Name(), Revision: "0123456", Values: v.Fields,
			Chart: gitops.Chart{Repository: "registry.example.internal/shop/charts", Name: "platform-app", Version: "1.2.3"},
		},
	}
}

func render(t *testing.T, a gitops.Application) []byte {
	t.Helper()
	content, err := a.Render()
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestWhatIsReadBackIsWhatWasWritten(t *testing.T) {
	for name, values := range map[string]string{
		"nothing":               "",
		"texts that look alike": "a: \"yes\"\nb: \"1e3\"\nc: \"0123\"\nd: \"2026-01-01\"\ne: \"~\"\nf: \"\"\n",
		"numbers":               "a: 123456789012345678\nb: 0.1\nc: 1e30\nd: -0.0\ne: 0x1F\nf: 1.0\n",
		"nothing and nobody":    "a: null\nb: {}\nc: []\nd: [null, {a: []}]\n",
		"lines":                 "a: |\n  one\n\n  two\nb: \"x\\ty\\u00e9\\U0001F600: # -\"\n",
		"a canary":              "rollout: {strategy: canary, canary: {steps: [{weight: 20}]}}\n",
		"a seal that is a text": "a: \"    pave.dev/content-hash: sha256:" + strings.Repeat("0", 64) + "\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			a := application(t, values)
			content := render(t, a)
			if !gitops.Sealed(content) {
				t.Errorf("it has no seal:\n%s", content)
			}
			read, err := gitops.Parse(target, content)
			if err != nil {
				t.Fatal(err)
			}
			if !read.Release.Same(a.Release) {
				t.Errorf("the release differs: %s", cmp.Diff(a, read))
			}
			if d := cmp.Diff(string(content), string(render(t, read))); d != "" {
				t.Errorf("the bytes differ: %s", d)
			}
		})
	}
}

func TestFilesThatAreNotReadBack(t *testing.T) {
	good := string(render(t, application(t, "")))
	for name, c := range map[string]struct{ old, new, want string }{
		"another kind":         {"kind: Application\n", "kind: Secret\n", `holds a "Secret"`},
		"another application":  {"name: shop-staging-web\n", "name: shop-staging-api\n", "of another application"},
		"another namespace":    {"namespace: shop-staging\n", "namespace: kube-system\n", "of another application"},
		"another image inside": {"digest: " + digest(1), "digest: " + digest(2), "another image than it says"},
		"an image by tag":      {"shop/web@" + digest(1), "shop/web:1", "not pinned by digest"},
		"a moving chart":       {"targetRevision: 1.2.3", "targetRevision: '*'", "not an exact version"},
		"a forged revision":    {"source-revision: \"0123456\"", "source-revision: \"x\\ny: z\"", "not a Git commit"},
		"no YAML":              {"kind:", "\tkind:", "apps/shop/staging/web/application.yaml: "},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(good, c.old) {
				t.Fatalf("there is no %q in\n%s", c.old, good)
			}
			altered := []byte(strings.Replace(good, c.old, c.new, 1))
			if gitops.Sealed(altered) {
				t.Error("the seal holds")
			}
			if _, err := gitops.Parse(target, altered); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestDiffering(t *testing.T) {
	a := application(t, "environment: staging\nreplicas: 1\ningress: {host: a, tls: true}\nenv: {A: x}\nlist: [1, 2]\nsame: {a: [1]}\n").Values
	b := application(t, "environment: production\nreplicas: 2\ningress: {host: b, tls: true}\nlist: [1]\nsame: {a: [1]}\nmore: 1\n").Values
	if d := cmp.Diff([]string{"env", "ingress.host", "list", "more", "replicas"}, gitops.Differing(a, b)); d != "" {
		t.Error(d)
	}
}
