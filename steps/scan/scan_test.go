package scan_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/imagetest"
	"github.com/pave-platform/pave/internal/vulndb"
	"github.com/pave-platform/pave/steps/scan"
)

// advisories has five critical vulnerabilities in Debian packages, one of them
// without a fix, one high in the Go standard library, and one of every other
// severity.
const advisories = `
name: test database
advisories:
  - {id: CVE-2030-0001, title: first, severity: {nvd: CRITICAL}, debian: [{release: "12", source: openssl, fixed: 3.0.15-1}]}
  - {id: CVE-2030-0002, title: second, severity: {nvd: CRITICAL}, debian: [{release: "12", source: openssl, fixed: 3.0.15-1}]}
  - {id: CVE-2030-0003, title: third, severity: {nvd: CRITICAL}, debian: [{release: "12", source: openssl, fixed: 3.0.15-1}]}
  - {id: CVE-2030-0004, title: fourth, severity: {nvd: CRITICAL}, debian: [{release: "12", source: expat, fixed: 2.5.0-2}]}
  - {id: CVE-2030-0005, title: no fix, severity: {nvd: CRITICAL}, debian: [{release: "12", source: zlib}]}
  - {id: CVE-2030-0006, title: go, severity: {nvd: HIGH}, go: [{module: stdlib, vulnerable: ["<99.0.0"]}]}
  - {id: CVE-2030-0007, title: medium, severity: {nvd: MEDIUM}, debian: [{release: "12", source: expat, fixed: 2.5.0-2}]}
  - {id: CVE-2030-0008, title: low, severity: {nvd: LOW}, debian: [{release: "12", source: expat, fixed: 2.5.0-2}]}
  - {id: CVE-2030-0009, title: unknown, debian: [{release: "12", source: expat, fixed: 2.5.0-2}]}
  - {id: CVE-2030-0010, title: fixed before, severity: {nvd: CRITICAL}, debian: [{release: "12", source: expat, fixed: 2.4.0-1}]}
`

var (
	openssl = [2]string{"openssl", "3.0.11-1"}
	expat   = [2]string{"expat", "2.5.0-1"}
	zlib    = [2]string{"zlib", "1:1.2.13.dfsg-1"}
)

func debian(t testing.TB, packages map[string][2]string) v1.Image {
	return imagetest.Image(t, imagetest.Debian12(packages))
}

func database(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	from := filepath.Join(dir, "advisories.yaml")
	must(t, os.WriteFile(from, []byte(advisories), 0o644))
	_, err := vulndb.Create(t.Context(), vulndb.CreateOptions{Output: dir, From: from})
	must(t, err)
	return dir
}

func options(t testing.TB, img v1.Image) scan.Options {
	return scan.Options{Image: img, Output: t.TempDir(), Database: scan.Database{Dir: database(t)}, Limits: scan.DefaultLimits()}
}

func run(t testing.TB, o scan.Options) scan.Result {
	t.Helper()
	r, err := scan.Run(t.Context(), o)
	must(t, err)
	return r
}

func TestVulnerabilitiesAreFoundInDebianPackagesAndGoPrograms(t *testing.T) {
	files := imagetest.Debian12(map[string][2]string{"libssl3": openssl, "libexpat1": expat, "zlib1g": zlib})
	files["app/program"] = imagetest.GoProgram(t)
	r := run(t, options(t, imagetest.Image(t, files)))
	var got []string
	for _, f := range r.Findings {
		got = append(got, fmt.Sprintf("%s %s %s", f.ID, f.Severity, f.Package))
	}
	want := []string{
		"CVE-2030-0004 CRITICAL libexpat1", "CVE-2030-0001 CRITICAL libssl3", "CVE-2030-0002 CRITICAL libssl3",
		"CVE-2030-0003 CRITICAL libssl3", "CVE-2030-0005 CRITICAL zlib1g", "CVE-2030-0006 HIGH stdlib",
		"CVE-2030-0007 MEDIUM libexpat1", "CVE-2030-0008 LOW libexpat1", "CVE-2030-0009 UNKNOWN libexpat1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("findings:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := [5]int{r.Critical, r.High, r.Medium, r.Low, r.Unknown}; got != [5]int{5, 1, 1, 1, 1} {
		t.Errorf("counts: %v", got)
	}
	if len(r.Warnings) != 0 {
		t.Errorf("warnings: %q", r.Warnings)
	}
	if r.Database.Name != "test database" || r.Database.SchemaVersion != 2 || r.Database.UpdatedAt.IsZero() {
		t.Errorf("database: %+v", r.Database)
	}
}

func TestLimits(t *testing.T) {
	three := debian(t, map[string][2]string{"libssl3": openssl})
	four := debian(t, map[string][2]string{"libssl3": openssl, "zlib1g": zlib})
	all := debian(t, map[string][2]string{"libssl3": openssl, "zlib1g": zlib, "libexpat1": expat})
	for name, c := range map[string]struct {
		img       v1.Image
		limits    scan.Limits
		onlyFixed bool
		want      []scan.Exceeded
	}{
		"three critical pass by default":                    {three, scan.DefaultLimits(), false, nil},
		"four critical do not":                              {four, scan.DefaultLimits(), false, []scan.Exceeded{{"CRITICAL", 4, 3}}},
		"four pass if one has no fix and only fixed counts": {four, scan.DefaultLimits(), true, nil},
		"no limit lets everything pass":                     {all, nil, false, nil},
		"zero is a limit": {all, scan.Limits{"critical": 0, "high": 0, "medium": 0, "low": 0, "unknown": 0}, false,
			[]scan.Exceeded{{"CRITICAL", 5, 0}, {"MEDIUM", 1, 0}, {"LOW", 1, 0}, {"UNKNOWN", 1, 0}}},
		"each severity has its own": {all, scan.Limits{"critical": 9, "medium": 1, "low": 0}, false, []scan.Exceeded{{"LOW", 1, 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, c.img)
			o.Limits, o.OnlyFixed = c.limits, c.onlyFixed
			r := run(t, o)
			if !slices.Equal(r.Exceeded, c.want) {
				t.Errorf("exceeded %+v, want %+v", r.Exceeded, c.want)
			}
			if r.Passed != (c.want == nil) {
				t.Errorf("passed: %v", r.Passed)
			}
			err := r.Verdict()
			if (err == nil) != r.Passed {
				t.Fatalf("verdict: %v", err)
			}
			if err != nil && fault.KindOf(err) != fault.Gate {
				t.Errorf("verdict is of kind %d", fault.KindOf(err))
			}
			for _, e := range c.want {
				if !strings.Contains(err.Error(), e.Severity) {
					t.Errorf("verdict does not name %s:\n%v", e.Severity, err)
				}
			}
			for _, f := range r.Files {
				if info, err := os.Stat(f.Path); err != nil || info.Size() == 0 {
					t.Errorf("%s is not written", f.Path)
				}
			}
		})
	}
}

func TestAnUnusableLimitIsAnInputError(t *testing.T) {
	for _, limits := range []scan.Limits{{"fatal": 1}, {"high": -2}} {
		o := options(t, debian(t, nil))
		o.Limits = limits
		if _, err := scan.Run(t.Context(), o); fault.KindOf(err) != fault.Input {
			t.Errorf("%v: got %v", limits, err)
		}
	}
}

func TestReportsAreInTheirFormats(t *testing.T) {
	o := options(t, debian(t, map[string][2]string{"libssl3": openssl}))
	o.Name = "registry.example.org/project/app"
	r := run(t, o)

	var trivy struct {
		SchemaVersion int
		ArtifactName  string
		Trivy         struct{ Version string }
		Results       []struct {
			Vulnerabilities []struct{ VulnerabilityID string }
		}
	}
	decode(t, filepath.Join(o.Output, "scan.json"), &trivy)
	if trivy.SchemaVersion != 2 || trivy.ArtifactName != o.Name || trivy.Trivy.Version == "" || len(trivy.Results[0].Vulnerabilities) != 3 {
		t.Errorf("scan.json: %+v", trivy)
	}

	var sarif struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name, Version string
					Rules         []struct{ ID string }
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct{ ArtifactLocation struct{ URI string } }
				}
			}
		}
	}
	decode(t, filepath.Join(o.Output, "scan.sarif"), &sarif)
	if sarif.Version != "2.1.0" || !strings.Contains(sarif.Schema, "sarif") || len(sarif.Runs) != 1 {
		t.Fatalf("scan.sarif: %+v", sarif)
	}
	for _, result := range sarif.Runs[0].Results {
		rules := sarif.Runs[0].Tool.Driver.Rules
		if result.RuleIndex >= len(rules) || rules[result.RuleIndex].ID != result.RuleID {
			t.Errorf("result %s points to a rule that is not its own", result.RuleID)
		}
		if result.Level != "error" || result.Message.Text == "" || result.Locations[0].PhysicalLocation.ArtifactLocation.URI == "" {
			t.Errorf("result %+v", result)
		}
	}
	if n := len(sarif.Runs[0].Results); n != 3 {
		t.Errorf("scan.sarif has %d results", n)
	}

	var predicate struct {
		Scanner struct {
			URI    string
			DB     struct{ LastUpdate time.Time }
			Result struct{ ArtifactName string }
		}
		Metadata struct{ ScanStartedOn, ScanFinishedOn time.Time }
	}
	decode(t, filepath.Join(o.Output, "vuln.json"), &predicate)
	if !predicate.Scanner.DB.LastUpdate.Equal(r.Database.UpdatedAt) || !predicate.Metadata.ScanFinishedOn.Equal(r.Database.UpdatedAt) ||
		predicate.Scanner.Result.ArtifactName != o.Name || !strings.HasPrefix(predicate.Scanner.URI, "pkg:github/aquasecurity/trivy") {
		t.Errorf("vuln.json: %+v", predicate)
	}

	text := read(t, filepath.Join(o.Output, "scan.txt"))
	for _, want := range []string{"CVE-2030-0001", "libssl3", "3.0.15-1", "test database"} {
		if !strings.Contains(text, want) {
			t.Errorf("scan.txt lacks %q:\n%s", want, text)
		}
	}
}

func TestTheSameImageAndDatabaseGiveTheSameReports(t *testing.T) {
	o := options(t, debian(t, map[string][2]string{"libssl3": openssl, "openssl": openssl, "libexpat1": expat}))
	run(t, o)
	first := map[string]string{}
	for _, name := range []string{"scan.json", "scan.sarif", "vuln.json"} {
		first[name] = read(t, filepath.Join(o.Output, name))
	}
	o.Output = t.TempDir()
	run(t, o)
	for name, want := range first {
		if got := read(t, filepath.Join(o.Output, name)); got != want {
			t.Errorf("%s differs between two scans", name)
		}
	}
}

func TestWhatIsNotScannedIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"an image without packages": {map[string]string{"hello.txt": "hello"}, "nothing to scan"},
		"a Java archive without the Java index": {map[string]string{"app/lib/one.jar": "PK", "app/two.war": "PK"},
			"2 Java archive(s) were not scanned, the first is app/lib/one.jar"},
		"a distribution that the database does not know": {map[string]string{
			"etc/os-release":       "ID=alpine\nVERSION_ID=3.22.0\n",
			"etc/alpine-release":   "3.22.0\n",
			"lib/apk/db/installed": "P:musl\nV:1.2.5-r10\nA:x86_64\no:musl\nL:MIT\n\n",
		}, "the database test database knows nothing about alpine"},
		"packages of a language that the database does not know": {map[string]string{
			"app/node_modules/left-pad/package.json": `{"name": "left-pad", "version": "1.0.0", "license": "MIT"}`,
		}, "knows nothing about npm packages"},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, options(t, imagetest.Image(t, c.files)))
			if !slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.Contains(w, c.want) }) {
				t.Errorf("warnings %q lack %q", r.Warnings, c.want)
			}
			if text := read(t, r.Files[0].Path); strings.Contains(text, "pave-java-archive") {
				t.Error("the report has a note that is not Trivy's")
			}
		})
	}
}

func TestACancelledScanLeavesNoReports(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := options(t, debian(t, map[string][2]string{"libssl3": openssl}))
	if _, err := scan.Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a cancellation", err)
	}
	if left, _ := os.ReadDir(o.Output); len(left) != 0 {
		t.Errorf("reports: %v", left)
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) != 0 {
		t.Errorf("temporary files: %v", left)
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
