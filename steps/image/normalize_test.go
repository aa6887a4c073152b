package image_test

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/pave-platform/pave/internal/ociarchive"
	"github.com/pave-platform/pave/steps/image"
)

// content is a layer with all that a build may leave in one.
var content = []tar.Header{
	{Typeflag: tar.TypeDir, Name: "zeta/", Mode: 0o755},
	{Typeflag: tar.TypeReg, Name: "zeta/file", Mode: 0o4755, Uid: 7, Gid: 8, Uname: "web", Gname: "web", Size: 5,
		PAXRecords: map[string]string{"SCHILY.xattr.security.capability": "\x01\x00cap"}},
	{Typeflag: tar.TypeLink, Name: "zeta/hard", Linkname: "zeta/file", Mode: 0o644},
	{Typeflag: tar.TypeSymlink, Name: "zeta/soft", Linkname: "../" + strings.Repeat("far/", 60), Mode: 0o777},
	{Typeflag: tar.TypeReg, Name: "zeta/.wh.gone", Mode: 0},
	{Typeflag: tar.TypeReg, Name: "alpha/.wh..wh..opq", Mode: 0},
	{Typeflag: tar.TypeChar, Name: "alpha/null", Devmajor: 1, Devminor: 3, Mode: 0o666},
	{Typeflag: tar.TypeReg, Name: "alpha/" + strings.Repeat("ü", 150), Mode: 0o600, Size: 5},
}

// built is an image as a build at a certain time leaves it: Docker's media
// types, the time everywhere.
func built(t *testing.T, at time.Time) v1.Image {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range content {
		h.ModTime, h.AccessTime, h.ChangeTime, h.Format = at, at.Add(time.Second), at.Add(time.Second/3), tar.FormatPAX
		must(t, w.WriteHeader(&h))
		if h.Size > 0 {
			_, err := w.Write([]byte("hello"))
			must(t, err)
		}
	}
	must(t, w.Close())
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	must(t, err)
	img, err := mutate.Append(empty.Image,
		mutate.Addendum{History: v1.History{Created: v1.Time{Time: at}, CreatedBy: "ENV A=b", EmptyLayer: true}},
		mutate.Addendum{Layer: l, History: v1.History{Created: v1.Time{Time: at}, CreatedBy: "RUN make"}})
	must(t, err)
	config, err := img.ConfigFile()
	must(t, err)
	config = config.DeepCopy()
	config.Created, config.OS, config.Architecture = v1.Time{Time: at}, "linux", "arm64"
	config.Config.Env, config.Config.Labels = []string{"A=b"}, map[string]string{"mine": "1"}
	img, err = mutate.ConfigFile(img, config)
	must(t, err)
	return img
}

func TestNormalizeRemovesTheTimeAndNothingElse(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 890, time.UTC)
	one := normalize(t, archived(t, built(t, now)), image.Labels{Revision: "abc"})
	two := normalize(t, archived(t, built(t, now.Add(time.Hour))), image.Labels{Revision: "abc"})
	if one.Digest != two.Digest {
		t.Errorf("another time of build gives another digest: %s, %s", one.Digest, two.Digest)
	}
	if again := normalize(t, one.Tarball, image.Labels{Revision: "abc"}); again.Digest != one.Digest {
		t.Errorf("a second time gives another digest: %s", again.Digest)
	}
	img := open(t, one.Tarball)
	must(t, validate.Image(img))
	config, err := img.ConfigFile()
	must(t, err)
	if config.Created.Unix() != 0 || len(config.History) != 2 || config.History[0].CreatedBy != "ENV A=b" || config.History[1].Created.Unix() != 0 {
		t.Errorf("config: %+v", config)
	}
	if !slices.Equal(config.Config.Env, []string{"A=b"}) || config.Config.Labels["mine"] != "1" || one.Labels["org.opencontainers.image.revision"] != "abc" {
		t.Errorf("config: %+v", config.Config)
	}
	m, err := img.Manifest()
	must(t, err)
	if m.MediaType != types.OCIManifestSchema1 || m.Config.MediaType != types.OCIConfigJSON || m.Layers[0].MediaType != types.OCILayer {
		t.Errorf("media types: %s, %s, %s", m.MediaType, m.Config.MediaType, m.Layers[0].MediaType)
	}
	got := entriesOf(t, layersOf(t, img)[0])
	if len(got) != len(content) {
		t.Fatalf("%d entries, want %d", len(got), len(content))
	}
	for i, want := range content {
		h := got[i]
		if h.Name != want.Name || h.Typeflag != want.Typeflag || h.Mode != want.Mode || h.Linkname != want.Linkname ||
			h.Uid != want.Uid || h.Uname != want.Uname || h.Devmajor != want.Devmajor || h.Size != want.Size {
			t.Errorf("got %+v, want %+v", h.Header, want)
		}
		if h.ModTime.Unix() != 0 || h.PAXRecords["atime"] != "" || h.PAXRecords["ctime"] != "" {
			t.Errorf("%s has a time: %+v", h.Name, h.Header)
		}
		if key := "SCHILY.xattr.security.capability"; h.PAXRecords[key] != want.PAXRecords[key] {
			t.Errorf("%s lost its capability", h.Name)
		}
		if want.Size > 0 && h.content != "hello" {
			t.Errorf("%s: content %q", h.Name, h.content)
		}
	}
}

func TestNormalizeKeepsPlatformsAndDropsAttestations(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	attestation, err := mutate.AppendLayers(empty.Image, static.NewLayer([]byte("{}"), "application/vnd.in-toto+json"))
	must(t, err)
	other, err := built(t, now).ConfigFile()
	must(t, err)
	other.Architecture = "amd64"
	amd64, err := mutate.ConfigFile(built(t, now), other)
	must(t, err)
	for name, c := range map[string]struct {
		images []v1.Image
		want   string
	}{
		"one with an attestation":  {[]v1.Image{built(t, now), attestation}, "linux/arm64"},
		"two, with an attestation": {[]v1.Image{amd64, built(t, now), attestation}, "linux/amd64,linux/arm64"},
	} {
		t.Run(name, func(t *testing.T) {
			idx := v1.ImageIndex(empty.Index)
			for _, img := range c.images {
				idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: img})
			}
			in := filepath.Join(t.TempDir(), "in.tar")
			must(t, ociarchive.WriteIndex(in, idx))
			r := normalize(t, in, image.Labels{})
			if r.Platform != c.want {
				t.Errorf("got %s, want %s", r.Platform, c.want)
			}
			a, err := ociarchive.Open(t.Context(), r.Tarball)
			must(t, err)
			defer a.Close()
			if got := a.Descriptor().MediaType.IsIndex(); got != (strings.Contains(c.want, ",")) {
				t.Errorf("an index: %v", got)
			}
		})
	}
}

func TestNormalizeMayReplaceItsInput(t *testing.T) {
	path := archived(t, built(t, time.Now()))
	r, err := image.Normalize(t.Context(), image.NormalizeOptions{Tarball: path, Output: path})
	must(t, err)
	if got := digestOf(t, open(t, path)); got != r.Digest {
		t.Errorf("got %s, want %s", got, r.Digest)
	}
}

func TestNormalizeRefusesALayerThatIsNoTar(t *testing.T) {
	bad, err := mutate.AppendLayers(empty.Image, static.NewLayer(bytes.Repeat([]byte("no tar "), 200), types.OCIUncompressedLayer))
	must(t, err)
	in, dir := archived(t, bad), t.TempDir()
	_, err = image.Normalize(t.Context(), image.NormalizeOptions{Tarball: in, Output: filepath.Join(dir, "out.tar")})
	mustBeInput(t, err, "is not a whole tar file", "sha256:")
	mustBeEmpty(t, dir)
}

func TestNormalizeRefusesATruncatedTarball(t *testing.T) {
	in, dir := archived(t, built(t, time.Now())), t.TempDir()
	info, err := os.Stat(in)
	must(t, err)
	must(t, os.Truncate(in, info.Size()/2))
	_, err = image.Normalize(t.Context(), image.NormalizeOptions{Tarball: in, Output: filepath.Join(dir, "out.tar")})
	mustBeInput(t, err, in, "truncated")
	mustBeEmpty(t, dir)
}

func normalize(t *testing.T, in string, labels image.Labels) image.Result {
	t.Helper()
	r, err := image.Normalize(t.Context(), image.NormalizeOptions{Tarball: in, Output: filepath.Join(t.TempDir(), "out.tar"), Labels: labels})
	must(t, err)
	return r
}
