package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/imagetest"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/vulndb"
	"github.com/pave-platform/pave/steps/chart"
	"github.com/pave-platform/pave/steps/mirror"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
	"github.com/pave-platform/pave/steps/sign"
)

// mirrors is a public registry, the platform's, and the folder of the list.
type mirrors struct {
	upstream, own *registrytest.Registry
	dir           string
	database      string
}

func newMirrors(t *testing.T) *mirrors {
	t.Helper()
	m := &mirrors{
		upstream: registrytest.Distribution(t, registrytest.Options{Anonymous: true}),
		own:      registrytest.New(t, registrytest.Options{}), dir: t.TempDir(), database: demoDatabase(t),
	}
	m.trust(t, m.upstream, m.own)
	ok(t, &sign.KeygenResult{}, "sign", "keygen", "--output-dir", m.file("platform"))
	ok(t, &sign.KeygenResult{}, "sign", "keygen", "--output-dir", m.file("keys"))
	return m
}

func (m *mirrors) file(name string) string { return filepath.Join(m.dir, name) }

// trust writes the CAs of registries into one file, as a platform has one.
func (m *mirrors) trust(t *testing.T, all ...*registrytest.Registry) {
	t.Helper()
	var bundle []byte
	for _, r := range all {
		ca, err := os.ReadFile(r.CAFile)
		if err != nil {
			t.Fatal(err)
		}
		bundle = append(append(bundle, ca...), '\n')
	}
	writeFile(t, m.file("ca.pem"), string(bundle))
}

func (m *mirrors) list(t *testing.T, entries ...string) {
	t.Helper()
	text := fmt.Sprintf("apiVersion: pave/v1\nkind: ImageList\ndefaults: {target: '%s', limits: {critical: 3}}\nimages:\n", m.own.Ref("library"))
	for _, e := range entries {
		text += "  - {" + strings.ReplaceAll(e, "UP", m.upstream.Host) + "}\n"
	}
	writeFile(t, m.file("images.yaml"), text)
}

func (m *mirrors) push(t *testing.T, ref string, img v1.Image) string {
	t.Helper()
	r, err := registry.ParseReference(m.upstream.Ref(ref))
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(r, img, m.upstream.Client(t).Remote(t.Context())...); err != nil {
		t.Fatal(err)
	}
	h, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return r.Context().Digest(h.String()).String()
}

// flags are those of every verb.
func (m *mirrors) flags(verb ...string) []string {
	return append(append([]string{"mirror"}, verb...), "--list", m.file("images.yaml"), "--ca-file", m.file("ca.pem"),
		"--registry-username", m.own.Username, "--registry-password-file", m.own.PasswordFile)
}

func (m *mirrors) scanning(verb ...string) []string {
	return append(m.flags(verb...), "--database", m.database)
}

func (m *mirrors) signing(verb ...string) []string {
	return append(m.flags(verb...), "--key-file", m.file("platform/cosign.key"))
}

// safe has findings, and few of them.
func safe(t *testing.T, content string) v1.Image {
	return imagetest.Image(t, imagetest.Debian12(map[string][2]string{"libssl3": {"openssl", "3.0.11-1~deb12u2"}}), map[string]string{"content": content})
}

// TestAMirror walks the whole way with the real scan and real signatures: an
// image, one that its publisher signed, one over the limits, a chart, and the
// vulnerability database itself.
func TestAMirror(t *testing.T) {
	m := newMirrors(t)
	m.push(t, "lib/debian:12", safe(t, "one"))
	m.push(t, "lib/bad:1", vulnerable(t))
	signed := m.push(t, "lib/signed:1", safe(t, "signed"))
	ok(t, &sign.ImageResult{}, "sign", "image", "--legacy", "--ref", signed, "--ca-file", m.file("ca.pem"), "--key-file", m.file("keys/cosign.key"))
	m.push(t, "lib/unsigned:1", safe(t, "unsigned"))
	var pushed chart.PushResult
	ok(t, &pushed, "chart", "push", "--repository", m.upstream.Ref("charts"), "--ca-file", m.file("ca.pem"))
	ok(t, &vulndb.Created{}, "dev", "vulndb", "--output", t.TempDir(), "--push", m.upstream.Ref("aqua/trivy-db:2"), "--ca-file", m.file("ca.pem"))
	m.list(t,
		"name: debian, source: UP/lib/debian, tags: ['12']", "name: bad, source: UP/lib/bad, tags: ['1']",
		"name: signed, source: UP/lib/signed, tags: ['1'], publicKey: keys/cosign.pub",
		"name: unsigned, source: UP/lib/unsigned, tags: ['1'], publicKey: keys/cosign.pub",
		"name: charts/platform-app, source: UP/charts/platform-app, tags: ['"+pushed.Version+"']",
		"name: trivy-db, source: UP/aqua/trivy-db, tags: ['2']",
	)

	code, stdout, stderr := gateCommandLine(append(m.scanning("plan"), "--exit-code")...)
	if code != 3 || !strings.Contains(stdout, "6 to approve") || !strings.Contains(stdout, "bad:1: 4 CRITICAL vulnerabilities, at most 3 are allowed") ||
		!strings.Contains(stdout, "unsigned:1: image") || !strings.Contains(stderr, "6 of 6 need an approval: bad:1, charts/platform-app:") {
		t.Fatalf("plan: %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, stderr = gateCommandLine(append(m.scanning("approve"), "--all", "--by", "jane")...)
	if code != 3 || strings.Count(stdout, "approved  ") != 4 || !strings.Contains(stderr, "2 of 6 not approved") {
		t.Fatalf("approve: %d\n%s%s", code, stdout, stderr)
	}
	var first, second mirror.RunResult
	ok(t, &first, append(m.signing("run"), "--database", m.database)...)
	if first.Count(mirror.Copied) != 4 || first.Count(mirror.Unapproved) != 2 {
		t.Fatalf("run: %+v", first)
	}
	ok(t, &second, append(m.signing("run"), "--database", m.database)...)
	if second.Count(mirror.Present) != 4 || second.Requests.Source != 0 {
		t.Errorf("the second run: %+v", second)
	}
	m.verify(t, "platform/cosign.pub", "debian", "signed", "charts/platform-app", "trivy-db")
	m.verify(t, "keys/cosign.pub", "signed") // the publisher's came along

	// The mirrored database serves a scan.
	code, stdout, stderr = gateCommandLine(append([]string{"scan", "image", "--tarball", tarballOf(t, vulnerable(t)), "--output", t.TempDir(),
		"--database-repository", m.own.Ref("library/trivy-db:2"), "--database-cache", t.TempDir()}, m.own.Flags()...)...)
	if code != 3 || !strings.Contains(stdout, "pave demo database") {
		t.Errorf("scan with the mirrored database: %d\n%s%s", code, stdout, stderr)
	}

	code, _, stderr = gateCommandLine(append(m.scanning("approve", "bad", "unsigned:1"), "--reason", "in a sandbox only", "--by", "jane")...)
	if code != 0 {
		t.Fatalf("with a reason: %d %s", code, stderr)
	}
	lock, err := imagelist.ReadLock(m.file("images.lock.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if a, _ := lock.Find("unsigned", "1"); a.Signed != imagelist.Unverified || a.Reason == "" {
		t.Errorf("%+v", a)
	}
	if a, _ := lock.Find("signed", "1"); a.Signed != imagelist.Verified || a.Scan.Critical == 0 {
		t.Errorf("%+v", a)
	}
	ok(t, &second, append(m.signing("run"), "--database", m.database)...)
	if second.Count(mirror.Copied) != 2 {
		t.Errorf("the third run: %+v", second)
	}
}

// verify checks the platform's signature of what the lock approves.
func (m *mirrors) verify(t *testing.T, key string, names ...string) {
	t.Helper()
	lock, err := imagelist.ReadLock(m.file("images.lock.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		for _, a := range lock.Approved {
			if string(a.Name) == n {
				ok(t, &sign.VerifyResult{}, append([]string{"sign", "verify", "--ref", m.own.Ref("library/" + n + "@" + a.AtTarget()), "--public-key", m.file(key)}, m.own.Flags()...)...)
			}
		}
	}
}

func TestAnAirGapIsCrossedByAFile(t *testing.T) {
	m := newMirrors(t)
	m.push(t, "lib/debian:12", safe(t, "one"))
	m.list(t, "name: debian, source: UP/lib/debian, tags: ['12']")
	ok(t, &mirror.ApproveResult{}, append(m.scanning("approve"), "--all")...)
	var out mirror.ArchiveResult
	archive, inventory := m.file("mirror.tar"), m.file("inventory.json")
	ok(t, &out, append(m.scanning("export"), "--archive", archive)...)

	var in mirror.ArchiveResult
	importing := append(m.signing("import"), "--archive", archive, "--inventory", inventory)
	ok(t, &in, append(importing, "--digest", out.Digest)...)
	if len(in.Items) != 1 || in.Items[0].State != mirror.Copied || !in.Items[0].Signed {
		t.Errorf("import: %+v", in)
	}
	m.verify(t, "platform/cosign.pub", "debian")
	var again mirror.ArchiveResult
	ok(t, &again, importing...)
	if again.Items[0].State != mirror.Present || again.Items[0].Signed {
		t.Errorf("the second import: %+v", again)
	}

	// The next archive holds what is missing there only.
	m.push(t, "lib/debian:12.1", safe(t, "two"))
	m.list(t, "name: debian, source: UP/lib/debian, tags: ['12', '12.1']")
	ok(t, &mirror.ApproveResult{}, append(m.scanning("approve"), "--all")...)
	ok(t, &out, append(m.scanning("export"), "--archive", archive, "--have", inventory)...)
	if out.LeftOut == 0 {
		t.Errorf("export: %+v", out)
	}
	ok(t, &in, importing...)
	var status mirror.StatusResult
	ok(t, &status, m.flags("status")...)
	if !status.Complete() || len(status.Tags) != 2 {
		t.Errorf("status: %+v", status)
	}

	// The project is that of the import.
	elsewhere := append(slices.Clone(importing), "--target", m.own.Ref("inner/mirror"))
	var there mirror.ArchiveResult
	ok(t, &there, elsewhere...)
	ok(t, &status, append(m.flags("status"), "--target", m.own.Ref("inner/mirror"))...)
	if !status.Complete() || status.Target != m.own.Ref("inner/mirror") {
		t.Errorf("elsewhere: %+v", status)
	}

	// Without its approval nothing enters.
	if err := os.Remove(m.file("images.lock.yaml")); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := gateCommandLine(importing...); code != 3 || !strings.Contains(stderr, "nobody approved it here") {
		t.Errorf("without a lock: %d %s", code, stderr)
	}
	if code, _, stderr := gateCommandLine(append(importing, "--digest", "sha256:"+strings.Repeat("0", 64))...); code != 2 || !strings.Contains(stderr, "the archive is sha256:") {
		t.Errorf("another archive: %d %s", code, stderr)
	}
}

func TestMirrorRefusesBadInput(t *testing.T) {
	m := newMirrors(t)
	m.list(t, "name: debian, source: UP/lib/debian, tags: ['12']")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no list":                  {[]string{"mirror", "plan", "--list", "absent.yaml", "--no-scan"}, "absent.yaml does not exist"},
		"nothing to approve":       {m.scanning("approve"), "it is not said what to approve"},
		"an image not on the list": {m.scanning("approve", "nginx"), "nginx is neither on the list nor in the lock"},
		"a digest without a tag":   {m.scanning("approve", "debian@sha256:12"), "is not name:tag@sha256:"},
		"no archive":               {m.signing("import"), "needs --archive"},
		"no key":                   {m.scanning("run"), "give --key-file, --key-env or --kms"},
		"no token":                 {append(m.signing("run"), "--no-scan", "--harbor-username", "robot"), "has no token"},
		"a bad target":             {append(m.scanning("plan"), "--target", "https://x/y"), "target"},
	} {
		code, stdout, stderr := gateCommandLine(c.args...)
		if code != 2 || !strings.Contains(stderr, c.want) || stdout != "" {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q lacks %q", name, code, stdout, stderr, c.want)
		}
	}
}

func TestTheSchemaOfTheListIsPrinted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "images.schema.json")
	ok(t, &cli.SchemaFile{}, "mirror", "schema", "--output", path)
	b, err := os.ReadFile(path)
	if err != nil || string(b) != string(imagelist.Schema()) {
		t.Errorf("%v", err)
	}
	if code, stdout, _ := gateCommandLine("mirror", "schema"); code != 0 || stdout != string(b) {
		t.Error(code)
	}
}
