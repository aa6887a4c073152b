package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// peers are the programs that one would use in place of the gates.
type peers struct {
	syft, trivy               string
	syftVersion, trivyVersion string
}

// peerModule has the programs in the versions that pave has as libraries.
const peerModule = "hack/bench/tools"

// peers builds Syft and Trivy from their own main packages.
func (l *lab) peers(ctx context.Context) (peers, error) {
	return l.tools.get(func() (peers, error) {
		l.say("building Syft and Trivy")
		dir := filepath.Join(l.repository, filepath.FromSlash(peerModule))
		p := peers{syft: l.path("bin", "syft"), trivy: l.path("bin", "trivy")}
		if _, err := l.exec(ctx, dir, "go", "build", "-ldflags=-s -w", "-o", l.path("bin")+"/",
			"github.com/anchore/syft/cmd/syft", "github.com/aquasecurity/trivy/cmd/trivy"); err != nil {
			return p, err
		}
		versions, err := l.exec(ctx, dir, "go", "list", "-m", "-f", "{{.Version}}", "github.com/anchore/syft", "github.com/aquasecurity/trivy")
		if err != nil {
			return p, err
		}
		_, err = fmt.Sscan(versions.stdout, &p.syftVersion, &p.trivyVersion)
		return p, err
	})
}

// gatesTools gives the two programs the same image unpacked, because Trivy
// reads OCI layouts from folders only, and lets each write the documents that
// the gates write as far as one run of it can. Trivy's cache of layers is off:
// an image that was never scanned is what a gate sees.
func gatesTools(ctx context.Context, l *lab) (outcome, error) {
	g, err := newGate(ctx, l)
	if err != nil {
		return outcome{}, err
	}
	p, err := l.peers(ctx)
	if err != nil {
		return outcome{}, err
	}
	layout := l.path("layout")
	if err := unpack(g.tarball, layout); err != nil {
		return outcome{}, err
	}
	defer os.RemoveAll(layout)
	return g.against(ctx, fmt.Sprintf("syft %s, then trivy %s", p.syftVersion, p.trivyVersion),
		[]string{p.syft, "scan", "oci-dir:" + layout, "--quiet", "-o", "spdx-json=" + l.path("syft.spdx.json"), "-o", "cyclonedx-json=" + l.path("syft.cdx.json")},
		[]string{p.trivy, "image", "--input", layout, "--cache-dir", g.cache, "--cache-backend", "memory", "--scanners", "vuln", "--offline-scan",
			"--skip-db-update", "--skip-java-db-update", "--skip-version-check", "--disable-telemetry", "--quiet", "--format", "json", "--output", l.path("trivy.json")},
	)
}

// unpack writes the files of a tar file that we made below dir.
func unpack(tarball, dir string) error {
	f, err := os.Open(tarball)
	if err != nil {
		return err
	}
	defer f.Close()
	root, err := openRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := unpackFile(root, h, r); err != nil {
			return err
		}
	}
}

func openRoot(dir string) (*os.Root, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return os.OpenRoot(dir)
}

func unpackFile(root *os.Root, h *tar.Header, content io.Reader) error {
	name := strings.TrimSuffix(h.Name, "/")
	if h.Typeflag == tar.TypeDir {
		return root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	to, err := root.Create(name)
	if err != nil {
		return err
	}
	_, err = io.CopyN(to, content, h.Size)
	return errors.Join(err, to.Close())
}
