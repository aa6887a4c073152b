package image

import (
	"archive/tar"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/ociarchive"
)

// BuildOptions say what to compile and what to put around it.
type BuildOptions struct {
	Source   string   // folder of a Go module
	Package  string   // main package, as in ./cmd/app; empty: the only one
	Output   string   // tarball to write
	Platform string   // linux/amd64; empty: linux on this machine's architecture
	Port     int      // TCP port that the image says it listens on; 0: none
	Env      []string // NAME=value for the compiler, as in GOEXPERIMENT=jsonv2: such variables count only here
	CAFile   string   // PEM certificates that the image trusts besides the public ones
	Labels   Labels   // the title is the binary's name unless given
	Log      *slog.Logger
}

// Build compiles a Go program with the local go command and puts it in an
// image that holds nothing else but root certificates, time zones and an
// unprivileged user. Code that does not compile is an input error with the
// compiler's own lines.
func Build(ctx context.Context, o BuildOptions) (Result, error) {
	if o.Platform == "" {
		o.Platform = "linux/" + runtime.GOARCH
	}
	if o.Port < 0 || o.Port > 65535 {
		return Result{}, fault.Inputf("port %d is not between 1 and 65535", o.Port)
	}
	if err := checkSource(o.Source); err != nil {
		return Result{}, err
	}
	tool, err := newGoTool(o.Source, o.Platform, o.Env)
	if err != nil {
		return Result{}, err
	}
	dir, err := workspace(o.Output)
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(dir)
	img, err := assemble(ctx, tool, dir, o)
	if err != nil {
		return Result{}, err
	}
	if err := ociarchive.Write(o.Output, img); err != nil {
		return Result{}, err
	}
	return describeFile(ctx, o.Output)
}

// assemble compiles and makes the image; its layers are files in dir.
func assemble(ctx context.Context, tool *goTool, dir string, o BuildOptions) (v1.Image, error) {
	set, err := tool.settings(ctx)
	if err != nil {
		return nil, err
	}
	pkg, err := mainPackage(ctx, tool, o.Package)
	if err != nil {
		return nil, err
	}
	base, err := baseLayer(dir, o.CAFile, set.GOROOT, logger(o.Log))
	if err != nil {
		return nil, err
	}
	name := binaryName(pkg.ImportPath)
	if o.Labels.Title == "" {
		o.Labels.Title = name
	}
	labels, err := o.Labels.all()
	if err != nil {
		return nil, err
	}
	logger(o.Log).Info("compiling", "package", pkg.ImportPath, "platform", o.Platform, "go", set.GOVERSION)
	binary, err := filepath.Abs(filepath.Join(dir, "binary"))
	if err != nil {
		return nil, err
	}
	if err := tool.build(ctx, pkg.ImportPath, binary); err != nil {
		return nil, err
	}
	program, err := binaryLayer(dir, name, binary)
	if err != nil {
		return nil, err
	}
	return goImage(o, name, labels, base, program)
}

func binaryLayer(dir, name, path string) (v1.Layer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return newLayer(dir, func(t *tar.Writer) error {
		return writeEntries(t,
			folder("usr/", 0o755), folder("usr/local/", 0o755), folder("usr/local/bin/", 0o755),
			entry{name: "usr/local/bin/" + name, mode: 0o755, content: f, size: info.Size()})
	})
}

func goImage(o BuildOptions, name string, labels map[string]string, base, program v1.Layer) (v1.Image, error) {
	platform, err := v1.ParsePlatform(o.Platform)
	if err != nil {
		return nil, fault.Inputf("platform %q: %w", o.Platform, err)
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err = mutate.Append(img,
		mutate.Addendum{Layer: base, History: history("root certificates, time zones, user nonroot")},
		mutate.Addendum{Layer: program, History: history("go build " + name)})
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant = platform.OS, platform.Architecture, platform.Variant
	config.Created = v1.Time{Time: epoch}
	config.Config = v1.Config{
		User:       fmt.Sprintf("%d:%d", nonroot, nonroot),
		Env:        environment(),
		Entrypoint: []string{"/usr/local/bin/" + name},
		WorkingDir: "/",
		Labels:     labels,
	}
	if o.Port > 0 {
		config.Config.ExposedPorts = map[string]struct{}{strconv.Itoa(o.Port) + "/tcp": {}}
	}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return nil, err
	}
	return annotated(img, labels), nil
}

func history(by string) v1.History {
	return v1.History{Created: v1.Time{Time: epoch}, CreatedBy: "pave image build: " + by}
}
