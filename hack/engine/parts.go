package main

import (
	"context"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/pave-platform/pave/internal/buildcache"
)

// parts are the folders of everything an engine is started from.
type parts struct {
	CLI    string `json:"cli"`    // holds the dagger command
	Engine string `json:"engine"` // root file system with Dagger's own binaries
	Images string `json:"images"` // root file system with the images' content store
	Root   string `json:"root"`   // root file system of Debian
}

// layers gives the root file systems, uppermost first.
func (p parts) layers() []string { return []string{p.Engine, p.Images, p.Root} }

// makeParts builds what is missing of the parts; root and tools at once, since
// the one mostly waits for the network and the other for the compiler.
func makeParts(ctx context.Context, c *buildcache.Cache, mirror string) (parts, error) {
	source, tools, err := toolsSource(ctx)
	if err != nil {
		return parts{}, err
	}
	root := rootKey()
	image := imagesKey(root, tools)
	p := parts{CLI: c.Path("cli", tools), Engine: c.Path("engine", engineKey(tools)), Images: c.Path("images", image), Root: c.Path("root", root)}
	if p.complete() {
		return p, nil
	}
	unlock, err := c.Lock(ctx)
	if err != nil {
		return p, err
	}
	defer unlock()
	both, bothCtx := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		p.Root, err = c.Make("root", root, "making a Debian root", func(dir string) error {
			if mirror == "" {
				mirror = debianMirror(bothCtx)
			}
			return buildRoot(bothCtx, mirror, dir)
		})
		return err
	})
	both.Go(func() (err error) {
		if p.CLI, err = makeCLI(bothCtx, c, source, tools); err != nil {
			return err
		}
		p.Engine, err = c.Make("engine", engineKey(tools), "building the Dagger engine", func(dir string) error {
			return buildEngine(bothCtx, source, dir)
		})
		return err
	})
	if err := both.Wait(); err != nil {
		return p, err
	}
	codegen, err := c.Make("codegen", tools, "building Dagger's code generator", func(dir string) error {
		return buildCodegen(ctx, source, dir)
	})
	if err != nil {
		return p, err
	}
	p.Images, err = c.Make("images", image, "making the Go images", func(dir string) error {
		return buildImages(ctx, p.Root, codegen, dir)
	})
	return p, err
}

// makeCLI builds the dagger command where it is missing. The caller holds the
// cache's lock.
func makeCLI(ctx context.Context, c *buildcache.Cache, source, key string) (string, error) {
	return c.Make("cli", key, "building the dagger CLI", func(dir string) error {
		return buildCLI(ctx, source, dir)
	})
}

// complete says whether all parts are there; none is ever there by half.
func (p parts) complete() bool {
	for _, dir := range []string{p.CLI, p.Engine, p.Images, p.Root} {
		if _, err := os.Stat(dir); err != nil {
			return false
		}
	}
	return true
}
