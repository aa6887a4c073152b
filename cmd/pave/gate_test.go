package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/imagetest"
	"github.com/pave-platform/pave/internal/ociarchive"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/vulndb"
	"github.com/pave-platform/pave/steps/scan"
)

// vulnerable has four critical vulnerabilities that the demo database knows:
// one in OpenSSL, one in curl, two in Expat.
func vulnerable(t testing.TB) v1.Image {
	return imagetest.Image(t, imagetest.Debian12(map[string][2]string{
		"libssl3":   {"openssl", "3.0.11-1~deb12u2"},
		"libcurl4":  {"curl", "7.88.1-10+deb12u1"},
		"libexpat1": {"expat", "2.5.0-1"},
	}))
}

func tarballOf(t testing.TB, img v1.Image) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := ociarchive.Write(path, img); err != nil {
		t.Fatal(err)
	}
	return path
}

func demoDatabase(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := vulndb.Create(t.Context(), vulndb.CreateOptions{Output: dir}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// gateCommandLine runs the command line and gives its exit code and output.
func gateCommandLine(args ...string) (code int, stdout, stderr string) {
	var out, err strings.Builder
	code = run(args, &out, &err)
	return code, out.String(), err.String()
}

func TestGateImage(t *testing.T) {
	image, database := tarballOf(t, vulnerable(t)), demoDatabase(t)
	ignore := filepath.Join(t.TempDir(), "ignore.yaml")
	if err := os.WriteFile(ignore, []byte("ignore:\n  - {id: CVE-2024-45491, reason: 64 bit only, expires: 2999-12-31}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		flags []string
		code  int
	}{
		"four critical are one too many": {nil, 3},
		"a higher limit lets them pass":  {[]string{"--max-critical", "4"}, 0},
		"no limit lets them pass":        {[]string{"--max-critical", "-1"}, 0},
		"one ignored lets three pass":    {[]string{"--ignore-file", ignore}, 0},
		"a limit for high findings":      {[]string{"--max-critical", "-1", "--max-high", "0"}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			output := filepath.Join(t.TempDir(), "gates")
			args := append([]string{"gate", "image", "--json", "--tarball", image, "--database", database, "--output", output}, c.flags...)
			code, stdout, stderr := gateCommandLine(args...)
			if code != c.code {
				t.Fatalf("exit code %d, want %d\n%s", code, c.code, stderr)
			}
			var printed, written gateResult
			if err := json.Unmarshal([]byte(stdout), &printed); err != nil {
				t.Fatalf("%v\n%s", err, stdout)
			}
			b, err := os.ReadFile(filepath.Join(output, "gate.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, &written); err != nil {
				t.Fatal(err)
			}
			if printed.Passed != (code == 0) || written.Passed != printed.Passed || written.SBOM.Packages != 3 || written.Scan.Database.Name != "pave demo database" {
				t.Errorf("gate.json: %s", b)
			}
			for _, file := range []string{"sbom.spdx.json", "sbom.cdx.json", "scan.json", "scan.sarif", "scan.txt", "vuln.json"} {
				if _, err := os.Stat(filepath.Join(output, file)); err != nil {
					t.Error(err)
				}
			}
			if code == 3 && (!strings.Contains(stderr, "FOUND  LIMIT") || !strings.Contains(stderr, "CVE-")) {
				t.Errorf("no table of what exceeded:\n%s", stderr)
			}
		})
	}
}

func TestGateImageRefusesBadInput(t *testing.T) {
	image, database := tarballOf(t, vulnerable(t)), demoDatabase(t)
	whole, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.tar")
	if err := os.WriteFile(cut, whole[:len(whole)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no tarball":            {[]string{"--database", database}, "--tarball"},
		"a tarball cut short":   {[]string{"--tarball", cut, "--database", database}, cut},
		"no database in folder": {[]string{"--tarball", image, "--database", t.TempDir()}, "trivy.db is missing"},
		"a database too old":    {[]string{"--tarball", image, "--database", database, "--database-max-age", "1ns"}, "is stale"},
		"two databases":         {[]string{"--tarball", image, "--database", database, "--database-repository", "localhost:1/db:2"}, "given twice"},
		"a bad limit":           {[]string{"--tarball", image, "--database", database, "--max-high", "-2"}, "leave it out for no limit"},
		"no CA file":            {[]string{"--tarball", image, "--database", database, "--ca-file", "absent.pem"}, "absent.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			output := filepath.Join(t.TempDir(), "gates")
			code, stdout, stderr := gateCommandLine(append([]string{"gate", "image", "--json", "--output", output}, c.args...)...)
			if code != 2 || !strings.Contains(stderr, c.want) || stdout != "" {
				t.Errorf("exit code %d, stdout %q, stderr %q lacks %q", code, stdout, stderr, c.want)
			}
			if left, _ := os.ReadDir(output); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestADatabaseFromAPrivateRegistry(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	ref := r.Ref("security/trivy-db:2")
	code, _, stderr := gateCommandLine(append([]string{"dev", "vulndb", "--output", t.TempDir(), "--push", ref}, r.Flags()...)...)
	if code != 0 {
		t.Fatal(stderr)
	}
	downloaded := filepath.Join(t.TempDir(), "database")
	code, stdout, stderr := gateCommandLine(append([]string{"scan", "database", "--json", "--repository", ref, "--output", downloaded}, r.Flags()...)...)
	if code != 0 || !strings.Contains(stdout, `"name": "pave demo database"`) || !strings.Contains(stdout, "security/trivy-db@sha256:") {
		t.Fatalf("%d %s %s", code, stdout, stderr)
	}
	image := tarballOf(t, vulnerable(t))
	for name, source := range map[string][]string{
		"a downloaded folder": {"--database", downloaded},
		"the registry":        append([]string{"--database-repository", ref, "--database-cache", t.TempDir()}, r.Flags()...),
	} {
		args := append([]string{"scan", "image", "--tarball", image, "--output", t.TempDir()}, source...)
		if code, stdout, stderr := gateCommandLine(args...); code != 3 || !strings.Contains(stdout, "pave demo database") {
			t.Errorf("%s: exit code %d\n%s%s", name, code, stdout, stderr)
		}
	}
}

// cancelling is an image whose first layer cancels the gate that reads it.
type cancelling struct {
	v1.Image
	cancel context.CancelFunc
	reads  *atomic.Int64
}

func (c cancelling) Layers() ([]v1.Layer, error) {
	layers, err := c.Image.Layers()
	for i, l := range layers {
		layers[i] = cancellingLayer{l, c}
	}
	return layers, err
}

type cancellingLayer struct {
	v1.Layer
	image cancelling
}

func (c cancellingLayer) Uncompressed() (io.ReadCloser, error) {
	c.image.reads.Add(1)
	c.image.cancel()
	return c.Layer.Uncompressed()
}

func TestAnInterruptedGateLeavesNothing(t *testing.T) {
	database, img := demoDatabase(t), vulnerable(t)
	t.Setenv("TMPDIR", t.TempDir())
	output := filepath.Join(t.TempDir(), "gates")
	ctx, cancel := context.WithCancel(t.Context())
	var reads atomic.Int64
	_, err := gate(ctx, cancelling{img, cancel, &reads}, scan.Options{Output: output, Database: scan.Database{Dir: database}})
	if !errors.Is(err, context.Canceled) || reads.Load() != 1 {
		t.Errorf("got %v after %d reads", err, reads.Load())
	}
	if left, _ := os.ReadDir(output); len(left) != 0 {
		t.Errorf("documents: %v", left)
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) != 0 {
		t.Errorf("temporary files: %v", left)
	}
}
