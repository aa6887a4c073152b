package sbom_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/imagetest"
	"github.com/pave-platform/pave/steps/sbom"
)

// application is an image with Debian packages in one layer and a Go program in
// another.
func application(t testing.TB) v1.Image {
	t.Helper()
	return imagetest.Image(t,
		imagetest.Debian12(map[string][2]string{
			"libssl3": {"openssl", "3.0.11-1~deb12u2"}, "openssl": {"openssl", "3.0.11-1~deb12u2"}, "zlib1g": {"zlib", "1:1.2.13.dfsg-1"},
		}),
		map[string]string{"app/program": imagetest.GoProgram(t)},
	)
}

func run(t testing.TB, o sbom.Options) sbom.Result {
	t.Helper()
	if o.Output == "" {
		o.Output = t.TempDir()
	}
	r, err := sbom.Run(t.Context(), o)
	must(t, err)
	return r
}

type spdx struct {
	SPDXVersion       string `json:"spdxVersion"`
	Name              string
	DocumentNamespace string
	CreationInfo      struct {
		Created  string
		Creators []string
	}
	Packages []struct {
		SPDXID       string
		Name         string
		VersionInfo  string
		Checksums    []struct{ ChecksumValue string }
		ExternalRefs []struct{ ReferenceType, ReferenceLocator string }
	}
	Relationships []relationship
}

type relationship struct {
	From string `json:"spdxElementId"`
	Type string `json:"relationshipType"`
}

type cyclonedx struct {
	BOMFormat    string
	SpecVersion  string
	SerialNumber string
	Metadata     struct {
		Timestamp string
		Component struct{ Name, Version, Purl string }
	}
	Components []struct{ Type, Name, Version, Purl string }
}

func TestBothDocumentsListTheImageAndItsPackages(t *testing.T) {
	img := application(t)
	digest, err := img.Digest()
	must(t, err)
	r := run(t, sbom.Options{Image: img, Name: "registry.example.org/project/app"})
	if r.Digest != digest.String() || r.Distro != "debian 12.5" || r.Packages != 5 || len(r.Warnings) != 0 {
		t.Errorf("result: %+v", r)
	}
	purl := "pkg:oci/app@" + strings.Replace(digest.String(), ":", "%3A", 1) + "?arch=amd64&repository_url=registry.example.org/project/app"

	var s spdx
	decode(t, r.Files[0].Path, &s)
	if s.SPDXVersion != "SPDX-2.3" || s.Name != "registry.example.org/project/app" || s.CreationInfo.Created != "1970-01-01T00:00:00Z" {
		t.Errorf("SPDX: %s %s %s", s.SPDXVersion, s.Name, s.CreationInfo.Created)
	}
	names := map[string]string{}
	for _, p := range s.Packages {
		names[p.Name] = p.VersionInfo
		if strings.HasPrefix(p.SPDXID, "SPDXRef-DocumentRoot-") && (p.Checksums[0].ChecksumValue != digest.Hex || decodePURL(p.ExternalRefs[0].ReferenceLocator) != decodePURL(purl)) {
			t.Errorf("the SPDX root package: %+v", p)
		}
	}
	if !slices.ContainsFunc(s.Relationships, func(r relationship) bool {
		return r.From == "SPDXRef-DOCUMENT" && r.Type == "DESCRIBES"
	}) {
		t.Error("the SPDX document describes nothing")
	}

	var c cyclonedx
	decode(t, r.Files[1].Path, &c)
	if c.BOMFormat != "CycloneDX" || c.SpecVersion != "1.7" || c.Metadata.Timestamp != "1970-01-01T00:00:00Z" ||
		c.Metadata.Component.Version != digest.String() || decodePURL(c.Metadata.Component.Purl) != decodePURL(purl) {
		t.Errorf("CycloneDX: %s %+v", c.SpecVersion, c.Metadata)
	}
	if !regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(c.SerialNumber) {
		t.Errorf("serial number %s", c.SerialNumber)
	}
	components := map[string]string{}
	for _, p := range c.Components {
		components[p.Name] = p.Version
	}
	for name, version := range map[string]string{"libssl3": "3.0.11-1~deb12u2", "openssl": "3.0.11-1~deb12u2", "zlib1g": "1:1.2.13.dfsg-1"} {
		if names[name] != version || components[name] != version {
			t.Errorf("%s: SPDX has %q, CycloneDX %q", name, names[name], components[name])
		}
	}
	if names["stdlib"] == "" || components["stdlib"] == "" {
		t.Error("the Go standard library is in neither")
	}
	for _, f := range r.Files {
		content := read(t, f.Path)
		if f.SHA256 != fmt.Sprintf("%x", sha256.Sum256([]byte(content))) || f.Bytes != int64(len(content)) {
			t.Errorf("%s has other bytes than the result says", f.Path)
		}
	}
}

// decodePURL compares package URLs by what they say: an encoder may write ":"
// and "/" plainly or not.
func decodePURL(s string) string {
	return strings.NewReplacer("%3A", ":", "%2F", "/").Replace(s)
}

func TestTheSameImageGivesTheSameBytes(t *testing.T) {
	img := application(t)
	first := run(t, sbom.Options{Image: img, Name: "app"})
	for range 5 {
		again := run(t, sbom.Options{Image: img, Name: "app"})
		for i := range first.Files {
			if read(t, first.Files[i].Path) != read(t, again.Files[i].Path) {
				t.Errorf("%s differs from one run to the next", first.Files[i].Format)
			}
		}
	}
}

func TestDifferentImagesAndNamesAreDifferentDocuments(t *testing.T) {
	ids := map[string]bool{}
	add := func(o sbom.Options) {
		r := run(t, o)
		var s spdx
		decode(t, r.Files[0].Path, &s)
		var c cyclonedx
		decode(t, r.Files[1].Path, &c)
		ids[s.DocumentNamespace], ids[c.SerialNumber] = true, true
	}
	img := imagetest.Image(t, imagetest.Debian12(nil))
	other := imagetest.Image(t, imagetest.Debian12(map[string][2]string{"zlib1g": {"zlib", "1"}}))
	add(sbom.Options{Image: img})
	add(sbom.Options{Image: img, Name: "app"})
	add(sbom.Options{Image: other, Name: "app"})
	if len(ids) != 6 {
		t.Errorf("%d ids for 6 documents: %v", len(ids), ids)
	}
}

func TestTheCreationTimeIsTheImages(t *testing.T) {
	img, err := mutate.CreatedAt(imagetest.Image(t, imagetest.Debian12(nil)), v1.Time{Time: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)})
	must(t, err)
	var s spdx
	decode(t, run(t, sbom.Options{Image: img}).Files[0].Path, &s)
	if s.CreationInfo.Created != "2026-01-31T12:00:00Z" {
		t.Errorf("got %s", s.CreationInfo.Created)
	}
}

func TestAnImageWithoutPackagesIsDescribedWithAWarning(t *testing.T) {
	r := run(t, sbom.Options{Image: imagetest.Image(t, map[string]string{"hello.txt": "hello"})})
	if r.Packages != 0 || r.Distro != "" || len(r.Warnings) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestNothingIsLeftInTheTemporaryFolder(t *testing.T) {
	img := application(t)
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	o := sbom.Options{Image: img, Output: filepath.Join(tmp, "output")}
	run(t, o)
	if left, _ := os.ReadDir(tmp); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o.Output = filepath.Join(tmp, "cancelled")
	if _, err := sbom.Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a cancellation", err)
	}
	if left, _ := os.ReadDir(tmp); len(left) != 1 {
		t.Errorf("left behind by a cancelled run: %v", left)
	}
}

func TestAMissingOptionIsAnInputError(t *testing.T) {
	for _, o := range []sbom.Options{{Output: "x"}, {Image: imagetest.Image(t)}} {
		if _, err := sbom.Run(t.Context(), o); fault.KindOf(err) != fault.Input {
			t.Errorf("got %v", err)
		}
	}
}

func decode(t testing.TB, path string, into any) {
	t.Helper()
	must(t, json.Unmarshal([]byte(read(t, path)), into))
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return string(b)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
