package image_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/ociarchive"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/image"
)

// registries are the two kinds that differ: with the referrers API, without.
var registries = map[string]func(testing.TB, registrytest.Options) *registrytest.Registry{
	"with referrers":    registrytest.New,
	"without referrers": registrytest.Distribution,
}

func TestPublishPushesOnce(t *testing.T) {
	for name, start := range registries {
		t.Run(name, func(t *testing.T) {
			var writes atomic.Int32
			r := start(t, registrytest.Options{Wrap: counting(&writes)})
			img := randomImage(t)
			o := image.PublishOptions{Tarball: archived(t, img), Ref: r.Ref("project/app:1"), Registry: r.Options()}

			p, err := image.Publish(t.Context(), o)
			must(t, err)
			if p.Digest != digestOf(t, img) || p.Ref != r.Ref("project/app@"+p.Digest) || p.Tag != "1" || !p.Pushed || p.Bytes == 0 {
				t.Errorf("got %+v", p)
			}
			mustBeAt(t, r, "project/app:1", p.Digest)

			writes.Store(0)
			p, err = image.Publish(t.Context(), o)
			must(t, err)
			if p.Pushed || writes.Load() != 0 {
				t.Errorf("a second time: pushed %v, %d writes", p.Pushed, writes.Load())
			}
			o.Ref = r.Ref("project/app:2")
			p, err = image.Publish(t.Context(), o)
			must(t, err)
			if !p.Pushed || writes.Load() != 1 {
				t.Errorf("another tag: pushed %v, %d writes, want the tag only", p.Pushed, writes.Load())
			}
			o.Tarball = archived(t, randomImage(t))
			p, err = image.Publish(t.Context(), o)
			must(t, err)
			mustBeAt(t, r, "project/app:2", p.Digest)
		})
	}
}

func TestPublishTakesAnIndexOfPlatforms(t *testing.T) {
	idx := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range []string{"amd64", "arm64"} {
		img := mutate.MediaType(randomImage(t), types.OCIManifestSchema1)
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
	}
	path := filepath.Join(t.TempDir(), "index.tar")
	must(t, ociarchive.WriteIndex(path, idx))
	want, err := idx.Digest()
	must(t, err)
	for name, start := range registries {
		t.Run(name, func(t *testing.T) {
			r := start(t, registrytest.Options{})
			p, err := image.Publish(t.Context(), image.PublishOptions{Tarball: path, Ref: r.Ref("app:all"), Registry: r.Options()})
			must(t, err)
			if p.Digest != want.String() {
				t.Errorf("got %s, want %s", p.Digest, want)
			}
			got, err := remote.Index(reference(t, r, "app:all"), r.Client(t).Remote(t.Context())...)
			must(t, err)
			m, err := got.IndexManifest()
			must(t, err)
			for _, d := range m.Manifests {
				if _, err := got.Image(d.Digest); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestAPushThatIsCutOffRunsAgain stops the first run after two blobs, once by
// Ctrl-C and once by a registry that hangs up.
func TestAPushThatIsCutOffRunsAgain(t *testing.T) {
	for name, interrupted := range map[string]bool{"by Ctrl-C": true, "by the registry": false} {
		for kind, start := range registries {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				cut := &cutter{after: 2}
				if interrupted {
					cut.then = cancel
				}
				r := start(t, registrytest.Options{Wrap: cut.wrap})
				img, err := random.Image(8192, 6)
				must(t, err)
				o := image.PublishOptions{Tarball: archived(t, img), Ref: r.Ref("app:1"), Registry: r.Options()}
				_, err = image.Publish(ctx, o)
				if interrupted && !errors.Is(err, context.Canceled) {
					t.Fatalf("got %v, want an interruption", err)
				}
				mustBe(t, fault.Failed, err)
				if _, err := remote.Head(reference(t, r, "app:1"), r.Client(t).Remote(t.Context())...); err == nil {
					t.Error("the tag is there")
				}
				done := cut.committed.Load()
				cut.healed.Store(true)
				p, err := image.Publish(t.Context(), o)
				must(t, err)
				mustBeAt(t, r, "app:1", p.Digest)
				if again := cut.committed.Load() - done; done < 2 || again > 7-done {
					t.Errorf("%d blobs were there, yet %d of 7 were sent again", done, again)
				}
			})
		}
	}
}

// cutter lets some blobs be committed, then refuses all writes until healed.
type cutter struct {
	after     int32
	then      func() // besides hanging up
	committed atomic.Int32
	healed    atomic.Bool
}

func (c *cutter) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		commits := r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/blobs/uploads/")
		writes := r.Method == http.MethodPut || r.Method == http.MethodPatch
		if writes && !c.healed.Load() && c.committed.Load() >= c.after {
			if c.then != nil {
				c.then()
			}
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
		if commits {
			c.committed.Add(1)
		}
	})
}

func TestPublishSaysWhatIsWrong(t *testing.T) {
	var requests atomic.Int32
	r := registrytest.New(t, registrytest.Options{Wrap: counting(&requests)})
	good := archived(t, randomImage(t))
	cut := archived(t, randomImage(t))
	info, err := os.Stat(cut)
	must(t, err)
	must(t, os.Truncate(cut, info.Size()/2))
	altered := archived(t, randomImage(t))
	flipAt(t, altered, info.Size()/2)
	wrong := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(wrong, []byte("not-the-pa55word"), 0o600))

	for name, c := range map[string]struct {
		o     image.PublishOptions
		kind  fault.Kind
		words []string
	}{
		"a truncated tarball": {image.PublishOptions{Tarball: cut, Ref: r.Ref("app:1"), Registry: r.Options()}, fault.Input, []string{cut, "truncated"}},
		"an altered tarball":  {image.PublishOptions{Tarball: altered, Ref: r.Ref("app:1"), Registry: r.Options()}, fault.Input, []string{altered, "sha256:", "is altered"}},
		"no tarball":          {image.PublishOptions{Tarball: cut + "x", Ref: r.Ref("app:1"), Registry: r.Options()}, fault.Input, []string{"no such file"}},
		"no tag":              {image.PublishOptions{Tarball: good, Ref: r.Ref("app"), Registry: r.Options()}, fault.Input, []string{"registry/project/app:tag"}},
		"a digest for a tag":  {image.PublishOptions{Tarball: good, Ref: r.Ref("app@sha256:" + strings.Repeat("0", 64)), Registry: r.Options()}, fault.Input, []string{"has no tag"}},
		"no reference":        {image.PublishOptions{Tarball: good, Ref: "Not A Ref", Registry: r.Options()}, fault.Input, []string{"Not A Ref"}},
		"an unknown CA": {image.PublishOptions{Tarball: good, Ref: r.Ref("app:1"), Registry: registry.Options{Username: r.Username, Password: secret.Source{File: r.PasswordFile}}},
			fault.Failed, []string{r.Host, "unknown authority", "--ca-file"}},
		"a wrong password": {image.PublishOptions{Tarball: good, Ref: r.Ref("app:1"), Registry: registry.Options{CAFile: r.CAFile, Username: r.Username, Password: secret.Source{File: wrong}}},
			fault.Failed, []string{r.Host, "refused the credentials"}},
		"no password": {image.PublishOptions{Tarball: good, Ref: r.Ref("app:1"), Registry: registry.Options{CAFile: r.CAFile}},
			fault.Failed, []string{r.Host, "refused the credentials"}},
		"nobody listens": {image.PublishOptions{Tarball: good, Ref: "127.0.0.1:1/app:1"}, fault.Failed, []string{"127.0.0.1:1", "refuses connections"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := image.Publish(t.Context(), c.o)
			mustBe(t, c.kind, err, c.words...)
			if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "pa55word") {
				t.Errorf("got %q", err)
			}
		})
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d writes reached the registry", n)
	}
}

// counting counts what changes the registry, not counting the opening of an
// upload that sends nothing.
func counting(n *atomic.Int32) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut || r.Method == http.MethodPatch {
				n.Add(1)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// flipAt alters one byte of the blob in the middle of a tarball.
func flipAt(t *testing.T, path string, offset int64) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	b[offset] ^= 0xff
	must(t, os.WriteFile(path, b, 0o600))
}

func mustBeAt(t *testing.T, r *registrytest.Registry, ref, digest string) {
	t.Helper()
	d, err := remote.Head(reference(t, r, ref), r.Client(t).Remote(t.Context())...)
	must(t, err)
	if d.Digest.String() != digest {
		t.Errorf("%s is at %s, want %s", ref, d.Digest, digest)
	}
}
