package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pave-platform/pave/internal/buildcache"
)

// contentFolder is where the engine looks for the images it comes with: the
// blobs of an OCI image layout.
const contentFolder = "usr/local/share/dagger/content"

// images names what is in a part made by buildImages.
type images struct {
	SDK     v1.Hash `json:"sdk"`     // what Dagger compiles Go modules in
	Builder v1.Hash `json:"builder"` // what stands in for the official Go image
}

func readImages(dir string) (images, error) {
	var im images
	data, err := os.ReadFile(filepath.Join(dir, "images.json"))
	if err == nil {
		err = json.Unmarshal(data, &im)
	}
	return im, err
}

func imagesKey(root, tools string) string { return buildcache.Key("images 3", root, tools, GoVersion) }

// buildImages makes both images in dir from the Debian root, the Go toolchain
// and the folder with codegen. They share all layers but codegen's, which are
// not compressed: they never leave the machine.
func buildImages(ctx context.Context, root, codegen, dir string) error {
	goroot, err := goEnv(ctx, "GOROOT")
	if err != nil {
		return err
	}
	store := blobs{filepath.Join(dir, contentFolder, "blobs")}
	debian := tree{source: root, skip: below("dev", "usr/share/doc", "usr/share/locale", "usr/share/man")}
	base, err := store.layer(ctx, debian.writeTo)
	if err != nil {
		return err
	}
	toolchain, err := store.layer(ctx, func(tw *tar.Writer) error { return addToolchain(tw, goroot) })
	if err != nil {
		return err
	}
	generator, err := store.layer(ctx, func(tw *tar.Writer) error {
		if err := withoutUpdateCACertificates(tw); err != nil {
			return err
		}
		return tree{source: codegen, target: "usr/local/bin", asRoot: true}.writeTo(tw)
	})
	if err != nil {
		return err
	}
	var im images
	if im.Builder, err = store.image("local", base, toolchain); err != nil {
		return err
	}
	if im.SDK, err = store.image("auto", base, toolchain, generator); err != nil {
		return err
	}
	data, err := json.Marshal(im)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "images.json"), data, 0o644)
}

// addToolchain adds Go and the folders it works in, as the official image has
// them; Dagger mounts its caches over two of them.
func addToolchain(tw *tar.Writer, goroot string) error {
	toolchain := tree{source: goroot, target: "usr/local/go", asRoot: true, skip: below("api", "test")}
	if err := toolchain.writeTo(tw); err != nil {
		return err
	}
	for _, name := range []string{"go", "go/bin", "go/src", "go/pkg", "go/pkg/mod", "root/.cache", "root/.cache/go-build"} {
		if err := addFolder(tw, name, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// withoutUpdateCACertificates hides Debian's program from an image that modules
// run in, by a whiteout (OCI image specification, layers). Where the host has
// certificates of its own the engine would run it before and after every call of
// a function, for over a second in all; without it the engine adds them by itself.
func withoutUpdateCACertificates(tw *tar.Writer) error {
	return tw.WriteHeader(&tar.Header{Name: "usr/sbin/.wh.update-ca-certificates", Typeflag: tar.TypeReg, Mode: 0o600})
}

// layer stores an uncompressed layer.
func (b blobs) layer(ctx context.Context, fill func(*tar.Writer) error) (v1.Descriptor, error) {
	digest, size, err := b.write(func(w io.Writer) error {
		tw := tar.NewWriter(untilDone{ctx, w})
		if err := fill(tw); err != nil {
			return err
		}
		return tw.Close()
	})
	return v1.Descriptor{MediaType: types.OCIUncompressedLayer, Digest: digest, Size: size}, err
}

// image stores the configuration and the manifest of an image with these
// layers, and gives the manifest's digest.
func (b blobs) image(goToolchain string, layers ...v1.Descriptor) (v1.Hash, error) {
	config := v1.ConfigFile{
		Architecture: runtime.GOARCH,
		OS:           "linux",
		RootFS:       v1.RootFS{Type: "layers"},
		Config: v1.Config{
			Cmd:        []string{"bash"},
			WorkingDir: "/go",
			Env: []string{
				"PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
				"GOLANG_VERSION=" + GoVersion,
				"GOTOOLCHAIN=" + goToolchain,
				"GOPATH=/go",
			},
		},
	}
	for _, l := range layers {
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, l.Digest) // uncompressed: the blob is the diff
		config.History = append(config.History, v1.History{CreatedBy: "hack/engine"})
	}
	digest, size, err := b.json(config)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("image configuration: %w", err)
	}
	digest, _, err = b.json(v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.OCIManifestSchema1,
		Config:        v1.Descriptor{MediaType: types.OCIConfigJSON, Digest: digest, Size: size},
		Layers:        layers,
	})
	return digest, err
}

func (b blobs) json(v any) (v1.Hash, int64, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return v1.Hash{}, 0, err
	}
	return b.write(func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(data))
		return err
	})
}

// untilDone is a writer that fails once its context has ended.
type untilDone struct {
	ctx context.Context
	w   io.Writer
}

func (u untilDone) Write(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.w.Write(p)
}
