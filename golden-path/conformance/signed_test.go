package conformance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pave-platform/pave/golden-path/policies"
	"github.com/pave-platform/pave/golden-path/policies/policiestest"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/sign"
)

// A registry that lists referrers, and one whose clients keep them in a tag;
// both over TLS by a CA of their own, with a password.
var registries = map[string]func(testing.TB, registrytest.Options) *registrytest.Registry{
	"with referrers":    registrytest.New,
	"without referrers": registrytest.Distribution,
}

func TestOnlyImagesSignedByThePlatformRun(t *testing.T) {
	for kind, start := range registries {
		t.Run(kind, func(t *testing.T) {
			registry := start(t, registrytest.Options{})
			key, public := newKey(t)
			other, _ := newKey(t)
			target := func(image string, k sign.Key, f sign.Format) sign.Target {
				return sign.Target{Ref: image, Registry: registry.Options(), Key: k, Format: f}
			}
			signed := push(t, registry, "signed")
			signImage(t, target(signed, key, sign.Bundle))
			both := push(t, registry, "signed-by-both")
			signImage(t, target(both, other, sign.Bundle))
			signImage(t, target(both, key, sign.Bundle))
			foreign := push(t, registry, "signed-by-another-key")
			signImage(t, target(foreign, other, sign.Bundle))
			legacy := push(t, registry, "signed-the-old-way")
			signImage(t, target(legacy, key, sign.Legacy))
			attested := push(t, registry, "only-attested")
			_, err := sign.Attest(t.Context(), target(attested, key, sign.Bundle), []sign.Predicate{{Type: "spdx", Path: file(t, "spdx.json", `{"spdxVersion": "SPDX-2.3"}`)}})
			must(t, err)
			unsigned := push(t, registry, "unsigned")
			tagged := registry.Ref("demo/signed:1")

			objects := []*unstructured.Unstructured{
				pod("good-signed", signed), pod("good-signed-by-both", both), pod("good-two", signed, both),
				pod("bad-unsigned", unsigned), pod("bad-another-key", foreign), pod("bad-legacy", legacy),
				pod("bad-attested", attested), pod("bad-tag", tagged), pod("bad-second", signed, unsigned),
				pod("bad-absent", registry.Ref("demo/absent@"+signed[len(signed)-71:])),
				initial(pod("bad-init", signed), unsigned), elsewhere(pod("unsigned-elsewhere", unsigned)),
			}
			for _, good := range []bool{true, false} {
				image, prefix := signed, "good-"
				if !good {
					image, prefix = unsigned, "bad-"
				}
				objects = append(objects, inWorkload("apps/v1", "Deployment", prefix+"deployment", image), inWorkload("argoproj.io/v1alpha1", "Rollout", prefix+"rollout", image),
					inWorkload("batch/v1", "Job", prefix+"job", image))
			}
			rule := only(rules(t, policies.Options{Registries: []string{registry.Host}, PublicKey: public}), "only-signed-images")
			want, got := map[string]bool{}, map[string]bool{}
			for _, o := range objects {
				want[o.GetKind()+" "+o.GetName()] = strings.HasPrefix(o.GetName(), "good-") && o.GetNamespace() == policiestest.Platform
			}
			for _, v := range reaching(t, registry).judge(t, rule, objects) {
				got[v.Kind+" "+v.Name] = v.Result == "pass"
				if v.Result == "fail" && !strings.Contains(v.Message, "not signed by the platform") && v.Name != "bad-tag" {
					t.Errorf("%s %s: %s", v.Kind, v.Name, v.Message)
				}
			}
			delete(want, "Pod unsigned-elsewhere") // it is not judged
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("passes (-want +got):\n%s", diff)
			}
		})
	}
}

// Kyverno's command does not change what it judges: the pods here are as they are
// once the digest is in, and one as it is before.
func TestOnlyPreviewsSignedByThePlatformRun(t *testing.T) {
	registry := registrytest.New(t, registrytest.Options{})
	key, public := newKey(t)
	signed, unsigned := push(t, registry, "signed"), push(t, registry, "unsigned")
	signImage(t, sign.Target{Ref: signed, Registry: registry.Options(), Key: key, Format: sign.Bundle})
	commit := ":" + strings.Repeat("a", 40) + "@"
	preview := func(o *unstructured.Unstructured) *unstructured.Unstructured {
		o.SetNamespace(previewNamespace)
		return o
	}
	objects := []*unstructured.Unstructured{
		preview(pod("good-pinned", strings.Replace(signed, "@", commit, 1))),
		preview(pod("bad-unsigned", strings.Replace(unsigned, "@", commit, 1))),
		preview(pod("bad-tag", registry.Ref("demo/signed:1"))),
		preview(initial(pod("bad-init", signed), unsigned)),
		preview(inWorkload("apps/v1", "Deployment", "left-to-its-pods", registry.Ref("demo/signed:1"))),
		pod("bad-elsewhere", registry.Ref("demo/signed:1")), pod("good-elsewhere", signed),
	}
	all := rules(t, policies.Options{Registries: []string{registry.Host}, PublicKey: public})
	got := map[string]string{}
	for _, v := range reaching(t, registry).judge(t, append(only(all, "only-signed-images"), only(all, "only-signed-previews")...), objects) {
		got[v.Name] = v.Policy + " " + v.Result
	}
	want := map[string]string{
		"good-pinned": "only-signed-previews pass", "bad-unsigned": "only-signed-previews fail", "bad-tag": "only-signed-previews fail",
		"bad-init": "only-signed-previews fail", "bad-elsewhere": "only-signed-images fail", "good-elsewhere": "only-signed-images pass",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// reaching gives an engine that trusts the registry and logs in to it.
func reaching(t *testing.T, r *registrytest.Registry) engine {
	t.Helper()
	login, err := json.Marshal(map[string]any{"auths": map[string]any{r.Host: map[string]any{
		"auth": base64.StdEncoding.EncodeToString([]byte(r.Username + ":" + r.Password)),
	}}})
	must(t, err)
	e := newEngine(t)
	e.args = append(e.args, "--registry")
	e.env = append(e.env, "SSL_CERT_FILE="+r.CAFile, "DOCKER_CONFIG="+filepath.Dir(file(t, "config.json", string(login))))
	return e
}

func only(all []*unstructured.Unstructured, name string) []*unstructured.Unstructured {
	for _, p := range all {
		if p.GetName() == name {
			return []*unstructured.Unstructured{p}
		}
	}
	return nil
}

// push publishes a new image, also under the tag 1, and gives its name by digest.
func push(t *testing.T, r *registrytest.Registry, repository string) string {
	t.Helper()
	img, err := random.Image(512, 1)
	must(t, err)
	tag, err := name.NewTag(r.Ref("demo/" + repository + ":1"))
	must(t, err)
	must(t, remote.Write(tag, img, r.Client(t).Remote(t.Context())...))
	digest, err := img.Digest()
	must(t, err)
	return tag.Context().Digest(digest.String()).String()
}

func signImage(t *testing.T, target sign.Target) {
	t.Helper()
	_, err := sign.Image(t.Context(), target)
	must(t, err)
}

func newKey(t *testing.T) (sign.Key, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	must(t, err)
	path := file(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	return sign.Key{PEM: secret.Source{File: path}}, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func pod(name string, images ...string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Pod", "spec": podSpec(images...)}}
	o.SetName(name)
	o.SetNamespace("demo")
	return o
}

func podSpec(images ...string) map[string]any {
	var containers []any
	for i, image := range images {
		containers = append(containers, map[string]any{"name": "c" + string(rune('0'+i)), "image": image})
	}
	return map[string]any{"containers": containers}
}

func initial(o *unstructured.Unstructured, image string) *unstructured.Unstructured {
	o.Object["spec"].(map[string]any)["initContainers"] = []any{map[string]any{"name": "init", "image": image}}
	return o
}

func elsewhere(o *unstructured.Unstructured) *unstructured.Unstructured {
	o.SetNamespace("elsewhere")
	return o
}

func inWorkload(apiVersion, kind, name, image string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": apiVersion, "kind": kind,
		"spec": map[string]any{"template": map[string]any{"spec": podSpec(image)}},
	}}
	o.SetName(name)
	o.SetNamespace("demo")
	return o
}
