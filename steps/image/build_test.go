package image_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/pave-platform/pave/internal/dev/ca"
	"github.com/pave-platform/pave/steps/image"
)

const hello = "package main\n\nfunc main() { println(\"hello\") }\n"

func TestBuildMakesAMinimalImageThatRuns(t *testing.T) {
	out := filepath.Join(t.TempDir(), "new", "image.tar")
	r, err := image.Build(t.Context(), image.BuildOptions{
		Source: module(t, "main.go", hello), Output: out, Port: 8080,
		Labels: image.Labels{Revision: "abc123", Source: "https://git.test/hello", More: map[string]string{"team": "web"}},
	})
	must(t, err)
	img := open(t, out)
	must(t, validate.Image(img))
	if r.Digest != digestOf(t, img) || r.Platform != "linux/"+runtime.GOARCH || r.Bytes == 0 {
		t.Errorf("the result does not describe the image: %+v", r)
	}
	labels := map[string]string{
		"org.opencontainers.image.title":    "hello",
		"org.opencontainers.image.revision": "abc123",
		"org.opencontainers.image.source":   "https://git.test/hello",
		"team":                              "web",
	}
	m, err := img.Manifest()
	must(t, err)
	config, err := img.ConfigFile()
	must(t, err)
	for where, got := range map[string]map[string]string{"result": r.Labels, "manifest": m.Annotations, "config": config.Config.Labels} {
		if !maps.Equal(got, labels) {
			t.Errorf("%s: labels %v, want %v", where, got, labels)
		}
	}
	if m.MediaType != types.OCIManifestSchema1 || m.Config.MediaType != types.OCIConfigJSON || m.Layers[0].MediaType != types.OCILayer {
		t.Errorf("media types: %s, %s, %s", m.MediaType, m.Config.MediaType, m.Layers[0].MediaType)
	}
	if c := config.Config; c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{"/usr/local/bin/hello"}) || len(c.ExposedPorts) != 1 {
		t.Errorf("config: %+v", c)
	}
	if !config.Created.Time.Equal(config.History[0].Created.Time) || config.Created.Unix() != 0 {
		t.Errorf("created %v", config.Created)
	}

	files := map[string]tarEntry{}
	for _, l := range layersOf(t, img) {
		for _, e := range entriesOf(t, l) {
			files[e.Name] = e
			if e.ModTime.Unix() != 0 || e.Uname != "" {
				t.Errorf("%s: %v by %q", e.Name, e.ModTime, e.Uname)
			}
		}
	}
	for name, mode := range map[string]int64{"tmp/": 0o1777, "usr/local/bin/hello": 0o755, "etc/passwd": 0o644, "home/nonroot/": 0o700, "usr/share/zoneinfo.zip": 0o644} {
		if e, ok := files[name]; !ok || e.Mode != mode {
			t.Errorf("%s: got %+v, want mode %o", name, e.Header, mode)
		}
	}
	if !strings.Contains(files["etc/passwd"].content, "nonroot:x:65532:") {
		t.Error("no user nonroot")
	}
	binary := filepath.Join(t.TempDir(), "hello")
	must(t, os.WriteFile(binary, []byte(files["usr/local/bin/hello"].content), 0o755))
	said, err := exec.CommandContext(t.Context(), binary).CombinedOutput()
	if err != nil || string(said) != "hello\n" {
		t.Errorf("the binary: %q, %v", said, err)
	}
	mustHold(t, filepath.Dir(out), "image.tar")
}

func TestTheSameSourceGivesTheSameDigestAnywhere(t *testing.T) {
	digests := map[string]bool{}
	for _, experiment := range []string{"", "arenas"} {
		t.Setenv("GOEXPERIMENT", experiment)
		t.Setenv("GOAMD64", "v3")
		r := build(t, image.BuildOptions{Source: module(t, "main.go", hello), Platform: "linux/amd64"})
		digests[r.Digest] = true
	}
	t.Setenv("GOAMD64", "")
	digests[build(t, image.BuildOptions{Source: module(t, "main.go", hello), Platform: "linux/amd64"}).Digest] = true
	if len(digests) != 1 {
		t.Errorf("got %v", slices.Collect(maps.Keys(digests)))
	}
}

func TestAChangeOfSourceChangesTheBinaryLayerOnly(t *testing.T) {
	dir := module(t, "main.go", hello)
	before := layersOf(t, open(t, build(t, image.BuildOptions{Source: dir}).Tarball))
	write(t, dir, "main.go", strings.Replace(hello, "hello", "salut", 1))
	after := layersOf(t, open(t, build(t, image.BuildOptions{Source: dir}).Tarball))
	for i, same := range []bool{true, false} {
		x, _ := before[i].Digest()
		y, _ := after[i].Digest()
		if (x == y) != same {
			t.Errorf("layer %d: the same %v, want %v", i, x == y, same)
		}
	}
}

func TestBuildForAnotherPlatform(t *testing.T) {
	for platform, want := range map[string]string{"linux/arm64": "linux/arm64", "linux/arm/v7": "linux/arm/v7"} {
		if r := build(t, image.BuildOptions{Source: module(t, "main.go", hello), Platform: platform}); r.Platform != want {
			t.Errorf("got %s, want %s", r.Platform, want)
		}
	}
}

func TestTheImageTrustsThePlatformCAAndNothingElseOfItsFile(t *testing.T) {
	certs, err := ca.Run(t.Context(), ca.Options{Dir: t.TempDir(), Hosts: []string{"x.test"}})
	must(t, err)
	own, err := os.ReadFile(certs.CA)
	must(t, err)
	key, err := os.ReadFile(certs.Key)
	must(t, err)
	both := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(both, append(key, own...), 0o600))

	r := build(t, image.BuildOptions{Source: module(t, "main.go", hello), CAFile: both})
	var bundle string
	for _, e := range entriesOf(t, layersOf(t, open(t, r.Tarball))[0]) {
		if e.Name == "etc/ssl/certs/ca-certificates.crt" {
			bundle = e.content
		}
	}
	block, _ := pem.Decode(own)
	root, err := x509.ParseCertificate(block.Bytes)
	must(t, err)
	if !strings.Contains(bundle, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}))) {
		t.Error("the platform's CA is missing")
	}
	if strings.Contains(bundle, "PRIVATE KEY") {
		t.Error("a private key is in the image")
	}
	if n := strings.Count(bundle, "BEGIN CERTIFICATE"); n < 80 {
		t.Errorf("%d certificates: the public ones are missing", n)
	}
}

func TestBuildFindsTheMainPackage(t *testing.T) {
	for name, c := range map[string]struct {
		files      []string
		pkg, title string
	}{
		"at the top":                {files: []string{"main.go", hello, "lib/lib.go", "package lib\n"}, title: "hello"},
		"the only one below cmd":    {files: []string{"lib.go", "package hello\n", "cmd/server/main.go", hello}, title: "server"},
		"the one that is asked for": {files: []string{"cmd/a/main.go", hello, "cmd/b/main.go", hello}, pkg: "./cmd/b", title: "b"},
	} {
		t.Run(name, func(t *testing.T) {
			r := build(t, image.BuildOptions{Source: module(t, c.files...), Package: c.pkg})
			if got := r.Labels["org.opencontainers.image.title"]; got != c.title {
				t.Errorf("got %q, want %q", got, c.title)
			}
		})
	}
}

func TestBadSourcesAreInputErrorsThatLeaveNothing(t *testing.T) {
	bare, docker := t.TempDir(), t.TempDir()
	write(t, docker, "Dockerfile", "FROM scratch\n")
	broken := module(t, "main.go", "package main\n\nfunc main() { undefinedThing() }\n")
	malformed := t.TempDir()
	write(t, malformed, "go.mod", "module x\nnonsense here\n", "main.go", hello)
	for name, c := range map[string]struct {
		o     image.BuildOptions
		words []string
	}{
		"no module, no Dockerfile":   {image.BuildOptions{Source: bare}, []string{"no go.mod and no Dockerfile in " + bare}},
		"a Dockerfile only":          {image.BuildOptions{Source: docker}, []string{"a Dockerfile", "dockerfile builder"}},
		"no such folder":             {image.BuildOptions{Source: filepath.Join(bare, "x")}, []string{"no such file"}},
		"a file":                     {image.BuildOptions{Source: filepath.Join(docker, "Dockerfile")}, []string{"not a folder"}},
		"several main packages":      {image.BuildOptions{Source: module(t, "cmd/a/main.go", hello, "cmd/b/main.go", hello)}, []string{"./cmd/a, ./cmd/b", "--package"}},
		"no main package":            {image.BuildOptions{Source: module(t, "lib.go", "package hello\n")}, []string{"no main package"}},
		"not a main package":         {image.BuildOptions{Source: module(t, "lib/lib.go", "package lib\n"), Package: "./lib"}, []string{"./lib", "not a main package"}},
		"a package that is no flag":  {image.BuildOptions{Source: module(t, "main.go", hello), Package: "-x"}, []string{"-x"}},
		"code that does not compile": {image.BuildOptions{Source: broken}, []string{"does not compile:\n", "main.go:3:15: undefined: undefinedThing"}},
		"a malformed go.mod":         {image.BuildOptions{Source: malformed}, []string{"go.mod:2: unknown directive: nonsense"}},
		"a platform that is none":    {image.BuildOptions{Source: module(t, "main.go", hello), Platform: "windows/amd64"}, []string{"windows/amd64", "linux/amd64"}},
		"an unknown architecture":    {image.BuildOptions{Source: module(t, "main.go", hello), Platform: "linux/z80"}, []string{"z80"}},
		"a missing CA file":          {image.BuildOptions{Source: module(t, "main.go", hello), CAFile: filepath.Join(bare, "ca")}, []string{"CA file"}},
		"a port that is none":        {image.BuildOptions{Source: module(t, "main.go", hello), Port: 70000}, []string{"70000"}},
		"environment without a name": {image.BuildOptions{Source: module(t, "main.go", hello), Env: []string{"=1"}}, []string{"NAME=value"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c.o.Output = filepath.Join(dir, "image.tar")
			_, err := image.Build(t.Context(), c.o)
			mustBeInput(t, err, c.words...)
			mustBeEmpty(t, dir)
			for _, noise := range []string{"exit status", "# example.test", "go: downloading"} {
				if strings.Contains(err.Error(), noise) {
					t.Errorf("noise in %q", err)
				}
			}
		})
	}
}

func TestAModuleProxyThatIsDownIsNotTheSourcesFault(t *testing.T) {
	dir := module(t, "main.go", "package main\n\nimport _ \"example.test/absent\"\n\nfunc main() {}\n")
	write(t, dir, "go.mod", "module example.test/hello\n\ngo 1.24\n\nrequire example.test/absent v1.0.0\n")
	_, err := image.Build(t.Context(), image.BuildOptions{
		Source: dir, Output: filepath.Join(t.TempDir(), "image.tar"),
		Env: []string{"GOPROXY=http://127.0.0.1:1", "GONOSUMDB=*", "GONOSUMCHECK=1", "GOFLAGS=-mod=mod", "GONOPROXY=none", "GOPRIVATE="},
	})
	mustBe(t, 1, err, "cannot fetch modules", "connection refused")
}

func TestACancelledBuildLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	_, err := image.Build(ctx, image.BuildOptions{Source: module(t, "main.go", hello), Output: filepath.Join(dir, "image.tar")})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	mustBeEmpty(t, dir)
}

func TestInspectSaysWhatTheImageIs(t *testing.T) {
	r := build(t, image.BuildOptions{Source: module(t, "main.go", hello)})
	i, err := image.Inspect(t.Context(), r.Tarball)
	must(t, err)
	if i.Digest != r.Digest || i.Platform != r.Platform || i.Bytes != r.Bytes || len(i.Layers) != 2 || i.Layers[1].Bytes == 0 {
		t.Errorf("got %+v", i)
	}
	if raw, err := json.Marshal(i); err != nil || !strings.Contains(string(raw), `"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip"`) {
		t.Errorf("%s, %v", raw, err)
	}
}

func build(t *testing.T, o image.BuildOptions) image.Result {
	t.Helper()
	o.Output = filepath.Join(t.TempDir(), "image.tar")
	r, err := image.Build(t.Context(), o)
	must(t, err)
	return r
}

func mustHold(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, names) {
		t.Errorf("%s holds %v, want %v", dir, got, names)
	}
}
