package scan_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/steps/scan"
)

func ignoring(t *testing.T, content string) scan.Options {
	t.Helper()
	o := options(t, debian(t, map[string][2]string{"libssl3": openssl, "openssl": openssl, "zlib1g": zlib}))
	o.IgnoreFile = filepath.Join(t.TempDir(), "ignore.yaml")
	must(t, os.WriteFile(o.IgnoreFile, []byte(content), 0o644))
	return o
}

func TestIgnoreFile(t *testing.T) {
	const all = 7 // three in each of two packages, and one
	for name, c := range map[string]struct {
		content  string
		critical int
		ignored  int
		warning  string
	}{
		"an empty file ignores nothing": {"", all, 0, ""},
		"an entry ignores a vulnerability in every package": {
			"ignore:\n  - id: CVE-2030-0001\n    reason: not reachable\n    expires: 2999-12-31\n", all - 2, 2, ""},
		"an entry with a package ignores it there only": {
			"ignore:\n  - {id: CVE-2030-0001, package: openssl, reason: not reachable, expires: 2999-12-31}\n", all - 1, 1, ""},
		"an expired entry ignores nothing and says so": {
			"ignore:\n  - {id: CVE-2030-0001, reason: not reachable, expires: 2020-01-31}\n", all, 0, "ignore.yaml:2: the entry for CVE-2030-0001 expired on 2020-01-31"},
		"an entry that matches nothing says so": {
			"ignore:\n  - {id: CVE-1999-0001, reason: not reachable, expires: 2999-12-31}\n", all, 0, "CVE-1999-0001 matches nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, ignoring(t, c.content))
			if r.Critical != c.critical || len(r.Ignored) != c.ignored {
				t.Errorf("%d critical and %d ignored, want %d and %d", r.Critical, len(r.Ignored), c.critical, c.ignored)
			}
			if c.warning != "" && !slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.Contains(w, c.warning) }) {
				t.Errorf("warnings %q lack %q", r.Warnings, c.warning)
			}
			if c.warning == "" && len(r.Warnings) != 0 {
				t.Errorf("warnings: %q", r.Warnings)
			}
		})
	}
}

func TestWhatIsIgnoredStaysInTheReportWithItsReason(t *testing.T) {
	o := ignoring(t, "ignore:\n  - {id: CVE-2030-0005, reason: we do not use minizip, expires: 2999-12-31}\n")
	r := run(t, o)
	if want := (scan.Ignored{ID: "CVE-2030-0005", Package: "zlib1g", Reason: "we do not use minizip", Expires: "2999-12-31"}); !slices.Contains(r.Ignored, want) {
		t.Errorf("ignored: %+v", r.Ignored)
	}
	if text := read(t, filepath.Join(o.Output, "scan.json")); !strings.Contains(text, "we do not use minizip") {
		t.Error("scan.json does not say why")
	}
	if text := read(t, filepath.Join(o.Output, "scan.sarif")); strings.Contains(text, "CVE-2030-0005") {
		t.Error("scan.sarif has what is ignored")
	}
}

func TestABadIgnoreFileIsAnInputErrorWithItsLine(t *testing.T) {
	for name, c := range map[string]struct{ content, want string }{
		"not YAML":         {"ignore: [", "ignore.yaml: "},
		"a list":           {"- id: CVE-2030-0001\n", "ignore.yaml:1:1: expected a mapping"},
		"an unknown key":   {"ignored: []\n", `ignore.yaml:1:1: unknown field "ignored"`},
		"not a list":       {"ignore: CVE-2030-0001\n", "ignore.yaml:1:9: ignore: expected a list"},
		"an unknown field": {"ignore:\n  - id: CVE-2030-0001\n    reson: x\n    expires: 2999-12-31\n", `ignore.yaml:3:5: unknown field "reson"`},
		"no id":            {"ignore:\n  - reason: x\n    expires: 2999-12-31\n", "ignore.yaml:2:5: id is missing"},
		"no reason":        {"ignore:\n  - id: CVE-2030-0001\n    expires: 2999-12-31\n", "ignore.yaml:2:5: CVE-2030-0001: reason is missing"},
		"no expiry":        {"ignore:\n  - id: CVE-2030-0001\n    reason: x\n", "ignore.yaml:2:5: CVE-2030-0001: expires is missing"},
		"a bad date":       {"ignore:\n  - id: CVE-2030-0001\n    reason: x\n    expires: 31-12-2999\n", `ignore.yaml:4:14: expires: "31-12-2999" is not a date`},
		"a nested value":   {"ignore:\n  - id: [CVE-2030-0001]\n", "ignore.yaml:2:9: id: expected a text"},
	} {
		t.Run(name, func(t *testing.T) {
			o := ignoring(t, c.content)
			_, err := scan.Run(t.Context(), o)
			if fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if left, _ := os.ReadDir(o.Output); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestAMissingIgnoreFileIsAnInputError(t *testing.T) {
	o := ignoring(t, "")
	o.IgnoreFile += ".not"
	if _, err := scan.Run(t.Context(), o); fault.KindOf(err) != fault.Input || !strings.Contains(err.Error(), o.IgnoreFile) {
		t.Errorf("got %v", err)
	}
}
