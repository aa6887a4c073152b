package ociarchive_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/ociarchive"
)

func TestAnImageComesBackAsItWasWritten(t *testing.T) {
	img := randomImage(t)
	path := filepath.Join(t.TempDir(), "image.tar")
	must(t, ociarchive.Write(path, img))
	folder := t.TempDir()
	must(t, appendTo(t, folder).AppendImage(img))

	for name, p := range map[string]string{"a tar file": path, "a folder": folder} {
		t.Run(name, func(t *testing.T) {
			a := open(t, p)
			got, err := a.Image()
			must(t, err)
			must(t, validate.Image(got))
			if d := digest(t, got); d != digest(t, img) || a.Digest() != d {
				t.Errorf("got %s, archive %s, want %s", d, a.Digest(), digest(t, img))
			}
			if idx, err := a.Index(); idx != nil || err != nil {
				t.Errorf("got index %v, %v for a single image", idx, err)
			}
		})
	}
}

func TestTheSameImageGivesTheSameBytes(t *testing.T) {
	img, dir := randomImage(t), t.TempDir()
	one, two := filepath.Join(dir, "1"), filepath.Join(dir, "2")
	must(t, ociarchive.Write(one, img))
	again, err := open(t, one).Image()
	must(t, err)
	must(t, ociarchive.Write(two, again))
	if !bytes.Equal(read(t, one), read(t, two)) {
		t.Error("the archives differ")
	}
}

func TestAFailedWriteKeepsTheEarlierFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "image.tar")
	must(t, ociarchive.Write(path, randomImage(t)))
	before := read(t, path)

	bad, err := mutate.AppendLayers(empty.Image, unreadable{static.NewLayer([]byte("x"), types.OCILayer)})
	must(t, err)
	if err := ociarchive.Write(path, bad); !errors.Is(err, errUnreadable) {
		t.Fatalf("got %v", err)
	}
	if !bytes.Equal(before, read(t, path)) {
		t.Error("the earlier file changed")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files are left, want 1", len(entries))
	}
}

func TestAnIndexOfSeveralPlatforms(t *testing.T) {
	idx := platforms(t, "amd64", "arm64")
	path := filepath.Join(t.TempDir(), "image.tar")
	must(t, ociarchive.WriteIndex(path, idx))
	a := open(t, path)
	if _, err := a.Image(); err == nil || !strings.Contains(err.Error(), "linux/amd64, linux/arm64") || fault.KindOf(err) != fault.Input {
		t.Errorf("Image: got %v, want an input error that lists the platforms", err)
	}
	images, err := a.Images()
	if err != nil || len(images) != 2 {
		t.Fatalf("got %d images, %v", len(images), err)
	}
	got, err := a.Index()
	must(t, err)
	must(t, validate.Index(got))
	want, _ := idx.Digest()
	if a.Digest() != want {
		t.Errorf("got %s, want %s", a.Digest(), want)
	}
}

func TestAttestationsBesideTheImageAreNotImages(t *testing.T) {
	img := randomImage(t)
	signature, err := mutate.AppendLayers(empty.Image, static.NewLayer([]byte("{}"), "application/vnd.dev.cosign.simplesigning.v1+json"))
	must(t, err)
	desc := v1.Descriptor{MediaType: types.DockerManifestSchema2, Digest: digest(t, img)}
	referrer := mutate.Subject(mutate.ConfigMediaType(empty.Image, "application/vnd.oci.empty.v1+json"), desc).(v1.Image)

	folder := t.TempDir()
	l := appendTo(t, folder)
	for _, x := range []v1.Image{signature, img, referrer} {
		must(t, l.AppendImage(x))
	}
	idx := filepath.Join(t.TempDir(), "buildkit.tar")
	must(t, ociarchive.WriteIndex(idx, mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: img}, mutate.IndexAddendum{Add: signature})))

	for name, path := range map[string]string{"in a folder": folder, "in BuildKit's index": idx} {
		got, err := open(t, path).Image()
		if err != nil || digest(t, got) != digest(t, img) {
			t.Errorf("%s: got %v, want the image", name, err)
		}
	}
}

func TestBadArchivesAreInputErrors(t *testing.T) {
	dir := t.TempDir()
	img := randomImage(t)
	good := filepath.Join(dir, "good.tar")
	must(t, ociarchive.Write(good, img))
	whole := read(t, good)
	layers, _ := img.Layers()
	layer, _ := layers[0].Digest()

	docker := filepath.Join(dir, "docker.tar")
	must(t, tarball.WriteToFile(docker, name.MustParseReference("example.test/app:1"), img))
	two := t.TempDir()
	l := appendTo(t, two)
	must(t, l.AppendImage(img))
	must(t, l.AppendImage(randomImage(t)))

	for what, c := range map[string]struct {
		content []byte
		path    string
		want    string
	}{
		"no file":                    {path: filepath.Join(dir, "none.tar"), want: "no such file"},
		"an empty file":              {content: []byte{}, want: "no OCI image layout"},
		"no tar":                     {content: bytes.Repeat([]byte("not a tar "), 200), want: "not a tar file"},
		"a short text":               {content: []byte("hello"), want: "truncated"},
		"truncated in a blob":        {content: whole[:len(whole)/2], want: "truncated inside sha256:"},
		"truncated between blobs":    {content: without(t, whole, "blobs/sha256/"+layer.Hex), want: "blob " + layer.String() + " is missing"},
		"one byte altered":           {content: altered(t, whole, "blobs/sha256/"+layer.Hex), want: "blob " + layer.String() + " is altered"},
		"a Docker archive":           {path: docker, want: "Docker archive"},
		"two images":                 {path: two, want: "several images"},
		"an empty folder":            {path: t.TempDir(), want: "no OCI image layout"},
		"index.json that is no JSON": {content: tarOf(t, "oci-layout", "{}", "index.json", "{"), want: "index.json"},
		"no image at all":            {content: tarOf(t, "oci-layout", "{}", "index.json", `{"schemaVersion":2}`), want: "no container image"},
		"a blob with a bad name":     {content: tarOf(t, "blobs/sha256/../../etc", "x"), want: "no OCI image layout"},
		"a blob of another digest":   {content: tarOf(t, "blobs/sha512/00", "x"), want: "blobs/sha512/00"},
	} {
		t.Run(what, func(t *testing.T) {
			path := c.path
			if path == "" {
				path = filepath.Join(t.TempDir(), "image.tar")
				must(t, os.WriteFile(path, c.content, 0o600))
			}
			_, err := ociarchive.Open(t.Context(), path)
			if err == nil || fault.KindOf(err) != fault.Input {
				t.Fatalf("got %v, want an input error", err)
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %q, want it to name the file and %q", err, c.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
}

func TestACancelledOpenEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image.tar")
	must(t, ociarchive.Write(path, randomImage(t)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ociarchive.Open(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// appendTo makes an empty layout in folder.
func appendTo(t *testing.T, folder string) layout.Path {
	t.Helper()
	p, err := layout.Write(folder, empty.Index)
	must(t, err)
	return p
}

var errUnreadable = errors.New("unreadable")

type unreadable struct{ v1.Layer }

func (unreadable) Compressed() (io.ReadCloser, error) { return nil, errUnreadable }

func randomImage(t *testing.T) v1.Image {
	t.Helper()
	img, err := random.Image(4096, 3)
	must(t, err)
	return img
}

func platforms(t *testing.T, architectures ...string) v1.ImageIndex {
	t.Helper()
	idx := v1.ImageIndex(empty.Index)
	for _, arch := range architectures {
		base := randomImage(t)
		config, err := base.ConfigFile()
		must(t, err)
		config.OS, config.Architecture = "linux", arch
		img, err := mutate.ConfigFile(base, config)
		must(t, err)
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{
			Add:        img,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	return idx
}

func open(t *testing.T, path string) *ociarchive.Archive {
	t.Helper()
	a, err := ociarchive.Open(t.Context(), path)
	must(t, err)
	t.Cleanup(func() { must(t, a.Close()) })
	return a
}

func digest(t *testing.T, img v1.Image) v1.Hash {
	t.Helper()
	d, err := img.Digest()
	must(t, err)
	return d
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tarOf makes a tar file of name, content pairs.
func tarOf(t *testing.T, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		must(t, w.WriteHeader(&tar.Header{Name: pairs[i], Size: int64(len(pairs[i+1])), Mode: 0o644}))
		_, err := w.Write([]byte(pairs[i+1]))
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

// rewrite copies a tar file with one entry dropped or its first byte flipped.
func rewrite(t *testing.T, whole []byte, name string, drop bool) []byte {
	t.Helper()
	var pairs []string
	found := false
	for r := tar.NewReader(bytes.NewReader(whole)); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		must(t, err)
		content, err := io.ReadAll(r)
		must(t, err)
		if h.Name == name {
			found = true
			if drop {
				continue
			}
			content[0] ^= 1
		}
		pairs = append(pairs, h.Name, string(content))
	}
	if !found {
		t.Fatalf("no %s in the archive", name)
	}
	return tarOf(t, pairs...)
}

func without(t *testing.T, whole []byte, name string) []byte { return rewrite(t, whole, name, true) }
func altered(t *testing.T, whole []byte, name string) []byte { return rewrite(t, whole, name, false) }
