package image

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/pave-platform/pave/internal/fault"
)

// nonroot is the user that images run as; the number is distroless's.
const nonroot = 65532

const (
	passwd = "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"
	group  = "root:x:0:\nnonroot:x:65532:\n"
)

const zoneinfo = "usr/share/zoneinfo.zip"

// baseLayer is what a static binary expects around it: root certificates, a
// user, a place for temporary files, time zones. It does not change with the
// binary, so that a new version uploads its binary only.
func baseLayer(dir, caFile, goroot string, log *slog.Logger) (v1.Layer, error) {
	certificates, err := rootCertificates(caFile)
	if err != nil {
		return nil, err
	}
	zones, err := timeZones(goroot, log)
	if err != nil {
		return nil, err
	}
	return newLayer(dir, func(t *tar.Writer) error {
		entries := []entry{
			folder("etc/", 0o755),
			file("etc/group", []byte(group)),
			file("etc/passwd", []byte(passwd)),
			folder("etc/ssl/", 0o755),
			folder("etc/ssl/certs/", 0o755),
			file("etc/ssl/certs/ca-certificates.crt", certificates),
			folder("home/", 0o755),
			{name: "home/nonroot/", mode: 0o700, owner: nonroot},
			folder("tmp/", 0o1777),
		}
		if zones != nil {
			entries = append(entries, folder("usr/", 0o755), folder("usr/share/", 0o755), file(zoneinfo, zones))
		}
		return writeEntries(t, entries...)
	})
}

func folder(name string, mode int64) entry { return entry{name: name, mode: mode} }

func file(name string, content []byte) entry {
	return entry{name: name, mode: 0o644, content: bytes.NewReader(content), size: int64(len(content))}
}

// rootCertificates are Mozilla's, as Go's maintainers package them, and the
// certificates in caFile. Nothing but certificates is taken from caFile.
func rootCertificates(caFile string) ([]byte, error) {
	var all bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue // a PEM file cannot say that a root is trusted in part
		}
		if err := pem.Encode(&all, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return nil, err
		}
	}
	if caFile == "" {
		return all.Bytes(), nil
	}
	own, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fault.Inputf("CA file: %w", err)
	}
	found := false
	for block, rest := pem.Decode(own); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		found = true
		if err := pem.Encode(&all, &pem.Block{Type: block.Type, Bytes: block.Bytes}); err != nil {
			return nil, err
		}
	}
	if !found {
		return nil, fault.Inputf("CA file %s holds no PEM certificate", caFile)
	}
	return all.Bytes(), nil
}

// timeZones gives the database that comes with the Go toolchain; a toolchain
// without it gives an image without time zones.
func timeZones(goroot string, log *slog.Logger) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(goroot, "lib", "time", "zoneinfo.zip"))
	if errors.Is(err, fs.ErrNotExist) {
		log.Warn("this Go toolchain has no time zones: the image will know UTC only", "toolchain", goroot)
		return nil, nil
	}
	return b, err
}

// environment of the image's process.
func environment() []string {
	return []string{"PATH=/usr/local/bin:/usr/bin:/bin", "ZONEINFO=/" + zoneinfo}
}
