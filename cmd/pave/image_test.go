package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/pave-platform/pave/internal/ociarchive"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/steps/image"
)

// TestAnImageFromSourceToALayout goes through every pave image command.
func TestAnImageFromSourceToALayout(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	dir := t.TempDir()
	source := filepath.Join(dir, "source")
	writeFile(t, filepath.Join(source, "go.mod"), "module example.test/hello\n\ngo 1.24\n")
	writeFile(t, filepath.Join(source, "main.go"), "package main\n\nfunc main() {}\n")
	built, tarball := filepath.Join(dir, "built.tar"), filepath.Join(dir, "image.tar")
	layout := filepath.Join(dir, "oci")

	var b, n image.Result
	ok(t, &b, "image", "build", "--source", source, "--output", built, "--port", "8080", "--revision", "abc", "--label", "team=web=1")
	if b.Labels["team"] != "web=1" || b.Labels["org.opencontainers.image.revision"] != "abc" {
		t.Errorf("labels: %v", b.Labels)
	}
	ok(t, &n, "image", "normalize", "--tarball", built, "--output", tarball, "--label", "more=1")
	var i image.Inspection
	ok(t, &i, "image", "inspect", "--tarball", tarball)
	if i.Digest != n.Digest || i.Labels["more"] != "1" {
		t.Errorf("inspect: %+v, normalize: %+v", i, n)
	}
	var p image.Published
	publish := append([]string{"image", "publish", "--tarball", tarball, "--ref", r.Ref("project/hello:1")}, r.Flags()...)
	ok(t, &p, publish...)
	if !p.Pushed || p.Digest != n.Digest {
		t.Errorf("publish: %+v", p)
	}
	ok(t, &p, publish...)
	if p.Pushed {
		t.Errorf("publish again: %+v", p)
	}
	var e image.Exported
	ok(t, &e, append([]string{"image", "export", "--ref", p.Ref, "--output", layout}, r.Flags()...)...)
	ok(t, &i, "image", "inspect", "--tarball", layout)
	if e.Digest != n.Digest || i.Digest != n.Digest {
		t.Errorf("export: %+v, inspect: %+v", e, i)
	}
}

func TestImageCommandsRefuseBadInputInOneLine(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	dir := t.TempDir()
	img, err := random.Image(2048, 2)
	if err != nil {
		t.Fatal(err)
	}
	good, cut := filepath.Join(dir, "good.tar"), filepath.Join(dir, "cut.tar")
	for _, path := range []string{good, cut} {
		if err := ociarchive.Write(path, img); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(cut, 3000); err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(dir, "wrong")
	writeFile(t, wrong, "other-pa55word")
	out := filepath.Join(t.TempDir(), "out.tar")
	publish := func(tarball, ref string, more ...string) []string {
		return append([]string{"image", "publish", "--tarball", tarball, "--ref", ref}, more...)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no module, no Dockerfile":   {[]string{"image", "build", "--source", dir, "--output", out}, 2, "no go.mod and no Dockerfile in " + dir},
		"no output":                  {[]string{"image", "build"}, 2, "pave image build needs --output"},
		"a label without a value":    {[]string{"image", "build", "--output", out, "--label", "x"}, 2, "--label name=value"},
		"a flag that is none":        {[]string{"image", "build", "--no-such-flag"}, 2, "unknown flag: --no-such-flag"},
		"a verb that is none":        {[]string{"image", "paint"}, 2, `unknown command "paint"`},
		"a truncated tarball":        {[]string{"image", "inspect", "--tarball", cut}, 2, cut + ": the archive is truncated"},
		"to normalize one":           {[]string{"image", "normalize", "--tarball", cut, "--output", out}, 2, "truncated"},
		"to publish one":             {publish(cut, r.Ref("app:1"), r.Flags()...), 2, "truncated"},
		"nobody listens":             {publish(good, "127.0.0.1:1/app:1"), 1, "127.0.0.1:1 refuses connections"},
		"an unknown CA":              {publish(good, r.Ref("app:1")), 1, "give the platform's root CA with --ca-file"},
		"a wrong password":           {publish(good, r.Ref("app:1"), "--ca-file", r.CAFile, "--registry-username", r.Username, "--registry-password-file", wrong), 1, "refused the credentials"},
		"a missing password":         {publish(good, r.Ref("app:1"), "--registry-username", "robot"), 2, "--registry-password-file"},
		"a reference without tag":    {publish(good, r.Ref("app")), 2, "registry/project/app:tag"},
		"to export nothing":          {append([]string{"image", "export", "--ref", r.Ref("app:9"), "--output", out}, r.Flags()...), 1, "no such image"},
		"a registry beyond loopback": {[]string{"dev", "registry", "--dir", dir, "--addr", "0.0.0.0:0"}, 2, "plain http is for loopback only"},
		"a CA for a URL":             {[]string{"dev", "ca", "--output", out, "--host", "https://x.test"}, 2, "neither a DNS name nor an IP address"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(append(c.args, "--json"), &stdout, &stderr)
			said := strings.TrimSuffix(stderr.String(), "\n")
			if code != c.code || !strings.Contains(said, c.want) {
				t.Errorf("exit %d: %s\nwant exit %d with %q", code, said, c.code, c.want)
			}
			if strings.Contains(said, "\n") || !strings.HasPrefix(said, "pave: ") || stdout.Len() > 0 || strings.Contains(said, "pa55word") {
				t.Errorf("stderr %q, stdout %q: want one line on stderr only", said, stdout.String())
			}
		})
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("something is left behind")
	}
}

// ok runs a command that must succeed and reads its Result.
func ok(t *testing.T, result any, args ...string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(append(args, "--json"), &stdout, &stderr); code != 0 {
		t.Fatalf("pave %s: exit %d: %s", strings.Join(args, " "), code, stderr.String())
	}
	if err := json.Unmarshal(stdout.Bytes(), result); err != nil {
		t.Fatalf("%v in %s", err, stdout.String())
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
