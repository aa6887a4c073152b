package mirror_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pave-platform/pave/internal/imagetest"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/steps/mirror"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

// lab is a source, a target and a folder with images.yaml.
type lab struct {
	source, target *registrytest.Registry
	dir            string
	platforms      string // of the list's defaults, or empty
}

// kinds are the registries between which images are mirrored: either may have the
// referrers API or not.
var kinds = map[string]func(testing.TB, registrytest.Options) *registrytest.Registry{
	"pave's own": registrytest.New, "distribution": registrytest.Distribution,
}

func newLab(t testing.TB) *lab {
	t.Helper()
	return labOf(t, registrytest.Distribution(t, registrytest.Options{Anonymous: true}), registrytest.New(t, registrytest.Options{}))
}

func labOf(t testing.TB, source, target *registrytest.Registry) *lab {
	t.Helper()
	return &lab{source: source, target: target, dir: t.TempDir()}
}

// list writes images.yaml with entries as in "name: a, source: SOURCE/a, tags: [x]".
func (l *lab) list(t testing.TB, entries ...string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: pave/v1\nkind: ImageList\ndefaults:\n  target: %s\n", l.target.Ref("library"))
	if l.platforms != "" {
		fmt.Fprintf(&b, "  platforms: [%s]\n", l.platforms)
	}
	b.WriteString("images:\n")
	for _, e := range entries {
		fmt.Fprintf(&b, "  - {%s}\n", strings.ReplaceAll(e, "SOURCE", l.source.Host+"/up"))
	}
	must(t, os.WriteFile(l.path(), []byte(b.String()), 0o644))
}

func (l *lab) path() string { return filepath.Join(l.dir, "images.yaml") }

func (l *lab) common() mirror.Common {
	return mirror.Common{List: l.path(), Sources: l.source.Options(), Registry: l.target.Options()}
}

func (l *lab) lock(t testing.TB) *imagelist.Lock {
	t.Helper()
	lock, err := imagelist.ReadLock(imagelist.LockPath(l.path()))
	must(t, err)
	return lock
}

// push puts an image or an index at the source under up/.
func (l *lab) push(t testing.TB, ref string, what remote.Taggable) v1.Hash {
	t.Helper()
	return push(t, l.source, "up/"+ref, what)
}

func push(t testing.TB, at *registrytest.Registry, ref string, what remote.Taggable) v1.Hash {
	t.Helper()
	r, err := registry.ParseReference(at.Ref(ref))
	must(t, err)
	options := at.Client(t).Remote(t.Context())
	var h v1.Hash
	switch w := what.(type) {
	case v1.ImageIndex:
		must(t, remote.WriteIndex(r, w, options...))
		h, err = w.Digest()
	case v1.Image:
		must(t, remote.Write(r, w, options...))
		h, err = w.Digest()
	}
	must(t, err)
	return h
}

// image makes a small image whose findings a scan reads from its labels.
func image(t testing.TB, platform, content string, critical int, cves ...string) v1.Image {
	t.Helper()
	img := imagetest.Image(t, map[string]string{"etc/content": content}, map[string]string{"usr/bin/" + content: strings.Repeat(content, 300)})
	p, err := v1.ParsePlatform(platform)
	must(t, err)
	config, err := img.ConfigFile()
	must(t, err)
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant = p.OS, p.Architecture, p.Variant
	config.Created = v1.Time{Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	config.Config.Labels = map[string]string{"critical": strconv.Itoa(critical), "cves": strings.Join(cves, " ")}
	img, err = mutate.ConfigFile(img, config)
	must(t, err)
	return img
}

// index makes an index of images by platform.
func index(t testing.TB, images map[string]v1.Image) v1.ImageIndex {
	t.Helper()
	i := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, platform := range slices.Sorted(maps.Keys(images)) {
		p, err := v1.ParsePlatform(platform)
		must(t, err)
		i = mutate.AppendManifests(i, mutate.IndexAddendum{Add: images[platform], Descriptor: v1.Descriptor{Platform: p}})
	}
	return i
}

func multi(t testing.TB, content string, critical int, cves ...string) v1.ImageIndex {
	t.Helper()
	return index(t, map[string]v1.Image{
		"linux/amd64": image(t, "linux/amd64", content+"-amd", critical, cves...),
		"linux/arm64": image(t, "linux/arm64", content+"-arm", 0),
	})
}

// scanLabels is a scan that believes what an image says of itself.
func scanLabels(_ context.Context, img v1.Image, _ string, limits map[string]int) (mirror.Scanned, error) {
	config, err := img.ConfigFile()
	if err != nil {
		return mirror.Scanned{}, err
	}
	n, err := strconv.Atoi(cmp.Or(config.Config.Labels["critical"], "0"))
	if err != nil {
		return mirror.Scanned{}, err
	}
	limit := 3
	if l, ok := limits["critical"]; ok {
		limit = l
	}
	s := mirror.Scanned{Counts: map[string]int{"critical": n}, Findings: strings.Fields(config.Config.Labels["cves"])}
	if n > limit {
		s.Exceeded = []string{fmt.Sprintf("%d CRITICAL findings, at most %d are allowed", n, limit)}
	}
	return s, nil
}

const signatureType = "application/vnd.test.signature"

// signer makes signatures of a kind of its own: an artefact that refers to the
// image, written through the registry as a real one is.
func signer(o registry.Options) mirror.Sign {
	return func(ctx context.Context, ref string) (bool, error) {
		client, err := registry.New(o)
		if err != nil {
			return false, err
		}
		defer client.Close()
		d, err := name.NewDigest(ref)
		if err != nil {
			return false, err
		}
		subject, err := remote.Head(d, client.Remote(ctx)...)
		if err != nil {
			return false, err
		}
		img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), signatureType)
		img, err = mutate.Append(img, mutate.Addendum{Layer: static.NewLayer([]byte("signed "+ref), "text/plain")})
		if err != nil {
			return false, err
		}
		signed, ok := mutate.Subject(img, *subject).(v1.Image)
		if !ok {
			return false, fmt.Errorf("not an image")
		}
		h, err := signed.Digest()
		if err != nil {
			return false, err
		}
		at := d.Context().Digest(h.String())
		if _, err := remote.Head(at, client.Remote(ctx)...); err == nil {
			return false, nil
		}
		return true, remote.Write(at, signed, client.Remote(ctx)...)
	}
}

// signatures counts those of a digest at the target.
func (l *lab) signatures(t testing.TB, repository, digest string) int {
	t.Helper()
	r, err := name.NewRepository(l.target.Ref(repository))
	must(t, err)
	found, err := remote.Referrers(r.Digest(digest), l.target.Client(t).Remote(t.Context())...)
	must(t, err)
	m, err := found.IndexManifest()
	must(t, err)
	return len(m.Manifests)
}

// at gives the digest behind a tag of a registry, or "".
func at(t testing.TB, where *registrytest.Registry, ref string) string {
	t.Helper()
	r, err := registry.ParseReference(where.Ref(ref))
	must(t, err)
	d, err := remote.Head(r, where.Client(t).Remote(t.Context())...)
	if err != nil {
		if strings.Contains(err.Error(), strconv.Itoa(http.StatusNotFound)) {
			return ""
		}
		t.Fatal(err)
	}
	return d.Digest.String()
}

func (l *lab) plan(t testing.TB) mirror.PlanResult {
	t.Helper()
	r, err := mirror.Plan(t.Context(), mirror.PlanOptions{Common: l.common(), Scan: scanLabels})
	must(t, err)
	return r
}

func (l *lab) approveOptions() mirror.ApproveOptions {
	return mirror.ApproveOptions{
		Common: l.common(), All: true, By: "jane", Scan: scanLabels,
		Now: func() time.Time { return time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC) },
	}
}

func (l *lab) approve(t testing.TB) mirror.ApproveResult {
	t.Helper()
	r, err := mirror.Approve(t.Context(), l.approveOptions())
	must(t, err)
	return r
}

func (l *lab) runOptions() mirror.RunOptions {
	return mirror.RunOptions{Common: l.common(), Scan: scanLabels, Sign: signer(l.target.Options())}
}

func (l *lab) run(t testing.TB) mirror.RunResult {
	t.Helper()
	r, err := mirror.Run(t.Context(), l.runOptions())
	must(t, err)
	return r
}

func item(t testing.TB, r mirror.PlanResult, ref string) mirror.Item {
	t.Helper()
	for _, i := range r.Items {
		if i.Ref == ref {
			return i
		}
	}
	t.Fatalf("no %s in %+v", ref, r.Items)
	return mirror.Item{}
}

func outcome(t testing.TB, r mirror.RunResult, ref string) mirror.Outcome {
	t.Helper()
	for _, i := range r.Items {
		if i.Ref == ref {
			return i
		}
	}
	t.Fatalf("no %s in %+v", ref, r.Items)
	return mirror.Outcome{}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
