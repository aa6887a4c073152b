package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// enterRoot makes the engine's root and turns to it. The cached parts are the
// lower layers of an overlay whose changes are kept in memory: neither they nor
// the host's files are ever written to. Only the state and the run folder are
// the host's.
func enterRoot(r *record) error {
	// Nothing mounted from here on is seen outside.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	resolv, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return err
	}
	base := filepath.Join(r.Run, "root")
	if err := os.MkdirAll(base, 0o700); err != nil {
		return err
	}
	root, err := mountLayers(base, r.Parts.layers())
	if err != nil {
		return err
	}
	if err := mountHost(root, r); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "etc/resolv.conf"), resolv, 0o644); err != nil {
		return err
	}
	if err := copyTrust(root, os.Getenv); err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	return pivot(root)
}

// mountLayers mounts an overlay of the layers, uppermost first, below base.
func mountLayers(base string, layers []string) (string, error) {
	if err := syscall.Mount("tmpfs", base, "tmpfs", 0, "mode=0755"); err != nil {
		return "", fmt.Errorf("mount %s: %w", base, err)
	}
	root, upper, work := filepath.Join(base, "root"), filepath.Join(base, "upper"), filepath.Join(base, "work")
	for _, d := range []string{root, upper, work} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return "", err
		}
	}
	options := "lowerdir=" + strings.Join(layers, ":") + ",upperdir=" + upper + ",workdir=" + work
	if err := syscall.Mount("overlay", root, "overlay", 0, options); err != nil {
		return "", fmt.Errorf("mount overlay of %s: %w", strings.Join(layers, ", "), err)
	}
	return root, nil
}

// mountHost mounts in root what the engine shares with the host.
func mountHost(root string, r *record) error {
	const private = syscall.MS_NOSUID | syscall.MS_NODEV
	temp := filepath.Join(r.State, "tmp")
	if err := errors.Join(os.RemoveAll(temp), os.MkdirAll(temp, 0o755), os.Chmod(temp, 0o777|os.ModeSticky)); err != nil {
		return err
	}
	for _, m := range []struct {
		source, target, kind string
		flags                uintptr
	}{
		{"proc", "proc", "proc", private | syscall.MS_NOEXEC},
		{"/sys", "sys", "", syscall.MS_BIND | syscall.MS_REC},
		{"/dev", "dev", "", syscall.MS_BIND | syscall.MS_REC},
		{"tmpfs", "run", "tmpfs", private},
		{r.Run, "run/dagger", "", syscall.MS_BIND},
		{r.State, stateInRoot, "", syscall.MS_BIND},
		{temp, "tmp", "", syscall.MS_BIND},
	} {
		target := filepath.Join(root, m.target)
		if err := os.MkdirAll(target, 0o755); err != nil {
			return err
		}
		if err := syscall.Mount(m.source, target, m.kind, m.flags, ""); err != nil {
			return fmt.Errorf("mount %s on %s: %w", m.source, m.target, err)
		}
	}
	return nil
}

// pivot makes root the root of this namespace and lets go of the old one.
func pivot(root string) error {
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := syscall.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := syscall.Unmount(".", syscall.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount the old root: %w", err)
	}
	return os.Chdir("/")
}

// trustVariables name files or folders of certificates for TLS libraries.
var trustVariables = []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE"}

// copyTrust copies the certificates that the host trusts into root: its local
// ones, which the engine also installs into containers, and those that the
// environment names, to the same path.
func copyTrust(root string, getenv func(string) string) error {
	paths := []string{"/usr/local/share/ca-certificates", "/etc/ssl/certs"}
	for _, v := range trustVariables {
		paths = append(paths, filepath.SplitList(getenv(v))...)
	}
	for _, p := range paths {
		if err := copyFiles(p, filepath.Join(root, p)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// copyFiles copies a file, or the files in a folder, following links; what a
// link does not lead to is left out.
func copyFiles(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		data, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return os.WriteFile(to, data, 0o644)
	}
	for _, e := range entries {
		file := filepath.Join(from, e.Name())
		if info, err := os.Stat(file); err != nil || info.IsDir() && e.Type()&fs.ModeSymlink != 0 {
			continue
		}
		if err := copyFiles(file, filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
