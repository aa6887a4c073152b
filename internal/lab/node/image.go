package node

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"runtime"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/pave-platform/pave/hack/lab/program"
)

// SandboxImage is the image with which pods begin.
func SandboxImage(ctx context.Context) (v1.Image, error) { return image(ctx, pause, nil) }

// Web says what the small web application does. It listens at port 8080, and
// answers at /healthz and /readyz.
type Web struct {
	Text   string // what / answers
	Broken bool   // /healthz and /readyz answer 500
	Crash  bool   // it ends at once, with an error
}

// WebImage is an image of it, for a container that may not be root and may not
// write. Its digest changes with w.
func WebImage(ctx context.Context, w Web) (v1.Image, error) {
	env := []string{"WEB_TEXT=" + w.Text}
	if w.Broken {
		env = append(env, "WEB_BROKEN=1")
	}
	if w.Crash {
		env = append(env, "WEB_CRASH=1")
	}
	return image(ctx, web, env)
}

// image is an image that holds a static program and runs it.
func image(ctx context.Context, p program.Program, env []string) (v1.Image, error) {
	path, err := p.Path(ctx)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	if err := w.WriteHeader(&tar.Header{Name: p.Name, Mode: 0o755, Size: int64(len(content)), ModTime: time.Unix(0, 0)}); err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer.Bytes())), nil })
	if err != nil {
		return nil, err
	}
	made, err := mutate.AppendLayers(empty.Image, l)
	if err != nil {
		return nil, err
	}
	file, err := made.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", runtime.GOARCH
	file.Config = v1.Config{Entrypoint: []string{"/" + p.Name}, Env: env, User: "65532:65532"}
	return mutate.ConfigFile(made, file)
}
