package fleet

import (
	"context"
	"os"
	"path/filepath"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/outfile"
)

// Files are where the two configs go.
type Files struct {
	Kubeconfig  string // path
	Talosconfig string // path
}

// Writable makes sure that both files can be written, before anything else is
// done.
func (o Files) Writable() error {
	for _, path := range []string{o.Kubeconfig, o.Talosconfig} {
		if err := writable(path); err != nil {
			return fault.Inputf("%s cannot be written: %w", path, err).Fix("give a path in a folder that can be written to")
		}
	}
	return nil
}

func writable(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if stat, err := os.Stat(path); err == nil && stat.IsDir() {
		return &os.PathError{Op: "write", Path: path, Err: os.ErrExist}
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_ = f.Close()
	return os.Remove(f.Name())
}

// Configs are the two files' content.
type Configs struct {
	Kubeconfig, Talosconfig         []byte
	KubeconfigKept, TalosconfigKept bool // they are what is at the path already

	Kubernetes string // version of the API server
}

// Configs gets both configs and waits until the Kubernetes API is ready.
func (f *Fleet) Configs(ctx context.Context, o Files, from []*Node) (c Configs, err error) {
	if c.Talosconfig, c.TalosconfigKept, err = f.KeepTalosconfig(o.Talosconfig); err != nil {
		return c, fault.Failedf("talosconfig: %w", err)
	}
	if c.Kubeconfig, c.KubeconfigKept, err = f.Kubeconfig(ctx, o.Kubeconfig, from); err != nil {
		return c, err
	}
	c.Kubernetes, err = f.AwaitKubernetes(ctx, c.Kubeconfig)
	return c, err
}

// Write writes what is not there yet, for the user alone.
func (c Configs) Write(o Files) error {
	for _, w := range []struct {
		path    string
		content []byte
		kept    bool
	}{{o.Talosconfig, c.Talosconfig, c.TalosconfigKept}, {o.Kubeconfig, c.Kubeconfig, c.KubeconfigKept}} {
		if w.kept {
			if err := os.Chmod(w.path, 0o600); err != nil {
				return fault.Failedf("%s: %w", w.path, err)
			}
			continue
		}
		if err := outfile.WritePrivate(w.path, w.content); err != nil {
			return fault.Failedf("write %s: %w", w.path, err).Fix("run this again with a path that can be written to")
		}
	}
	return nil
}
