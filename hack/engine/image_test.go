package main

import (
	"archive/tar"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// smallRoot has one of everything that a root file system has.
func smallRoot(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, err := range []error{
		os.MkdirAll(filepath.Join(dir, "usr/bin"), 0o755),
		os.MkdirAll(filepath.Join(dir, "dev"), 0o755),
		os.WriteFile(filepath.Join(dir, "usr/bin/perl"), []byte("#!perl"), 0o755),
		os.Link(filepath.Join(dir, "usr/bin/perl"), filepath.Join(dir, "usr/bin/perl5")),
		os.Symlink("perl", filepath.Join(dir, "usr/bin/p")),
		os.WriteFile(filepath.Join(dir, "dev/null"), nil, 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestALayerHasTheTreeWithItsLinks(t *testing.T) {
	var out bytes.Buffer
	tw := tar.NewWriter(&out)
	source := tree{source: smallRoot(t), target: "root", asRoot: true, skip: below("dev")}
	if err := source.writeTo(tw); err != nil {
		t.Fatal(err)
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for tr := tar.NewReader(&out); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.ModTime.Unix() != 0 {
			t.Errorf("%s: owner %d:%d, time %v", h.Name, h.Uid, h.Gid, h.ModTime)
		}
		got = append(got, strings.TrimSpace(string(h.Typeflag)+" "+h.Name+" "+h.Linkname))
	}
	want := []string{
		"5 root/", "5 root/dev/", "5 root/usr/", "5 root/usr/bin/",
		"2 root/usr/bin/p perl", "0 root/usr/bin/perl", "1 root/usr/bin/perl5 root/usr/bin/perl",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// smallImage makes an image of smallRoot and gives its blobs and its digest.
func smallImage(t *testing.T) (blobs, v1.Hash) {
	t.Helper()
	store := blobs{filepath.Join(t.TempDir(), "blobs")}
	layer, err := store.layer(t.Context(), tree{source: smallRoot(t)}.writeTo)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := store.image("local", layer)
	if err != nil {
		t.Fatal(err)
	}
	return store, digest
}

func TestTheSameTreeIsTheSameImage(t *testing.T) {
	_, first := smallImage(t)
	_, second := smallImage(t)
	if first != second {
		t.Errorf("%s and %s", first, second)
	}
}

func TestTheBuilderIsPulledLikeAnyImage(t *testing.T) {
	store, digest := smallImage(t)
	server := httptest.NewServer(builderRegistry(store.dir, digest))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	for _, ref := range []string{host + "/" + BuilderImage, host + "/library/golang@" + digest.String()} {
		parsed, err := name.ParseReference(ref)
		if err != nil {
			t.Fatal(err)
		}
		image, err := remote.Image(parsed, remote.WithContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(image, validate.Fast); err != nil {
			t.Errorf("%s: %v", ref, err)
		}
		if got, want := layerNames(t, image), "dev/ dev/null usr/ usr/bin/ usr/bin/p usr/bin/perl usr/bin/perl5"; got != want {
			t.Errorf("%s: the layer has %s, want %s", ref, got, want)
		}
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if env := strings.Join(config.Config.Env, " "); !strings.Contains(env, "GOLANG_VERSION="+GoVersion+" GOTOOLCHAIN=local") {
			t.Errorf("%s: environment %s", ref, env)
		}
	}
}

// layerNames reads the one layer of an image to its end, which checks its digest.
func layerNames(t *testing.T, image v1.Image) string {
	t.Helper()
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("layers %v, %v", layers, err)
	}
	blob, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	var names []string
	for tr := tar.NewReader(blob); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return strings.Join(names, " ")
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
}

func TestTheBuilderRegistryHasNothingElse(t *testing.T) {
	store, digest := smallImage(t)
	server := httptest.NewServer(builderRegistry(store.dir, digest))
	defer server.Close()
	for request, want := range map[string]int{
		"GET /v2/": http.StatusOK,
		"GET /v2/library/golang/manifests/latest":                                  http.StatusNotFound,
		"GET /v2/library/alpine/manifests/3":                                       http.StatusNotFound,
		"GET /v2/library/golang/blobs/sha256:" + strings.Repeat("0", 64):           http.StatusNotFound,
		"GET /v2/library/golang/blobs/sha256:..%2f..%2fetc%2fpasswd":               http.StatusNotFound,
		"PUT /v2/library/golang/manifests/latest":                                  http.StatusMethodNotAllowed,
		"POST /v2/library/golang/blobs/uploads/":                                   http.StatusNotFound,
		"DELETE /v2/library/golang/manifests/" + digest.String():                   http.StatusMethodNotAllowed,
		"HEAD /v2/library/golang/manifests/" + strings.Split(BuilderImage, ":")[1]: http.StatusOK,
	} {
		method, path, _ := strings.Cut(request, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: got %d, want %d", request, response.StatusCode, want)
		}
	}
}
