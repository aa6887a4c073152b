package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/steps/report"
)

var update = flag.Bool("update", false, "write the golden files")

// results copies testdata/passed to a folder of its own; each edit changes one
// file of it, and a nil text removes the file.
func results(t *testing.T, edits map[string]func(text string) string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/passed")); err != nil {
		t.Fatal(err)
	}
	for name, edit := range edits {
		path := filepath.Join(dir, name)
		if edit == nil {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		after := edit(string(before))
		if after == string(before) {
			t.Fatalf("the edit of %s changes nothing", name)
		}
		if err := os.WriteFile(path, []byte(after), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func replace(from, to string) func(string) string {
	return func(s string) string { return strings.ReplaceAll(s, from, to) }
}

func build(t *testing.T, dir string) (report.Result, string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "report")
	res, err := report.Run(t.Context(), report.Options{Input: dir, Output: out})
	if err != nil {
		t.Fatal(err)
	}
	return res, out
}

func TestAWholeRunIsSummedUp(t *testing.T) {
	_, out := build(t, results(t, nil))
	for _, name := range []string{report.SummaryFile, report.TableFile} {
		got, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", "passed."+name)
		if *update {
			if err := os.WriteFile(golden, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s differs (-want +got):\n%s", name, diff)
		}
	}
}

func TestTheVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		edits   map[string]func(string) string
		verdict report.Verdict
		reason  string
	}{
		"every step done is passed": {nil, report.Passed, "Built, gated, published, signed, verified and deployed."},
		"a scan over the limit is refused": {
			map[string]func(string) string{
				"gate.json": func(s string) string {
					s = strings.ReplaceAll(s, `"exceeded": null`, `"exceeded": [{"severity": "critical", "count": 5, "limit": 3}]`)
					return strings.ReplaceAll(s, `"passed": true`, `"passed": false`)
				},
				"publish.json": nil, "sign.json": nil, "attest.json": nil, "verify.json": nil, "deploy.json": nil,
			},
			report.Refused, "Scan said no: 5 critical, limit 3.",
		},
		"an unverified signature is refused": {
			map[string]func(string) string{"verify.json": replace(`{"verified": true, "format"`, `{"verified": false, "format"`)},
			report.Refused, "Verify said no: no valid signature.",
		},
		"one unverified attestation is refused": {
			map[string]func(string) string{"verify.json": replace(`cosign.sigstore.dev/attestation/vuln/v1", "verified": true`, `x", "verified": false`)},
			report.Refused, "Verify said no: attestation vuln.",
		},
		"missing steps are named": {
			map[string]func(string) string{"publish.json": nil, "sign.json": nil, "attest.json": nil, "verify.json": nil, "chart.json": nil, "deploy.json": nil},
			report.Incomplete, "Not run: publish, sign, attest, verify, chart, deploy.",
		},
		"a verified signature was made, by whomever": {
			map[string]func(string) string{"sign.json": nil, "attest.json": nil},
			report.Passed, "Built, gated, published, signed, verified and deployed.",
		},
		"a signature that nobody verified is not enough": {
			map[string]func(string) string{"verify.json": nil}, report.Incomplete, "Not run: verify.",
		},
		"a dry run deploys nothing": {
			map[string]func(string) string{"deploy.json": replace(`"attempts": 1`, `"attempts": 1, "dryRun": true`)},
			report.Incomplete, "Not run: deploy.",
		},
		"an unchanged deploy is done": {
			map[string]func(string) string{"deploy.json": replace(`"changed": true`, `"changed": false`)},
			report.Passed, "Built, gated, published, signed, verified and deployed.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			res, _ := build(t, results(t, c.edits))
			if res.Verdict != c.verdict || res.Reason != c.reason {
				t.Errorf("got %s, %q; want %s, %q", res.Verdict, res.Reason, c.verdict, c.reason)
			}
		})
	}
}

func TestBadInputIsRefusedAndNothingIsWritten(t *testing.T) {
	for name, c := range map[string]struct {
		edits map[string]func(string) string
		want  []string
	}{
		"a result that is no JSON": {
			map[string]func(string) string{"publish.json": func(string) string { return "{\n  \"ref\": nope" }}, []string{"publish.json:2:11: "},
		},
		"a field of another type": {
			map[string]func(string) string{"image.json": replace("6193152", `"six"`)}, []string{"image.json:5:"},
		},
		"two bad files are both named": {
			map[string]func(string) string{"sign.json": func(string) string { return "[]" }, "chart.json": func(string) string { return "1" }}, []string{"sign.json:1:1: ", "chart.json:1:1: "},
		},
		"manifests that are no YAML": {
			map[string]func(string) string{"manifests.yaml": func(string) string { return "a: [" }}, []string{"manifests.yaml: "},
		},
		"results of two images": {
			map[string]func(string) string{"verify.json": replace("sha256:4f1c", "sha256:5f1c")},
			[]string{"image.json is about sha256:4f1c9d6a7be20f3558a19c40d7c2e5b8f60a1b3c5d7e9f10213243546576879a and verify.json about sha256:5f1c"},
		},
		"attestations of another image": {
			map[string]func(string) string{"attest.json": replace("sha256:4f1c", "sha256:5f1c")}, []string{"attest.json about sha256:5f1c"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "report")
			_, err := report.Run(t.Context(), report.Options{Input: results(t, c.edits), Output: out})
			if err == nil || fault.KindOf(err) != fault.Input {
				t.Fatalf("got %v, want an input error", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in %q", want, err)
				}
			}
			if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("something was written: %v", err)
			}
		})
	}
}

func TestAFolderWithoutResultsIsRefused(t *testing.T) {
	empty := t.TempDir()
	for name, dir := range map[string]string{
		"no folder":       filepath.Join(empty, "missing"),
		"an empty folder": empty,
		"a file":          "report_test.go",
		"nothing given":   "",
	} {
		_, err := report.Run(t.Context(), report.Options{Input: dir, Output: filepath.Join(empty, "out")})
		if err == nil || fault.KindOf(err) != fault.Input {
			t.Errorf("%s: got %v, want an input error", name, err)
		}
	}
}

func TestOnlyKnownFilesAreCopied(t *testing.T) {
	dir := results(t, nil)
	for _, name := range []string{"cosign.key", "token", "notes.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	res, out := build(t, dir)
	var got, want []string
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		got = append(got, e.Name())
	}
	for _, f := range res.Files {
		want = append(want, f.Name)
		a, errA := os.ReadFile(filepath.Join(dir, f.Name))
		b, errB := os.ReadFile(filepath.Join(out, f.Name))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s is not copied as it is: %v, %v", f.Name, errA, errB)
		}
	}
	want = append(want, report.SummaryFile, report.TableFile, report.PageFile)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestTheSameResultsGiveTheSameBytes(t *testing.T) {
	dir := results(t, nil)
	_, a := build(t, dir)
	_, b := build(t, dir)
	for _, name := range []string{report.SummaryFile, report.PageFile} {
		one, errA := os.ReadFile(filepath.Join(a, name))
		two, errB := os.ReadFile(filepath.Join(b, name))
		if errA != nil || errB != nil || !bytes.Equal(one, two) {
			t.Errorf("%s differs between two reports of the same results: %v, %v", name, errA, errB)
		}
	}
}

func TestAReportCanBeWrittenBesideTheResults(t *testing.T) {
	dir := results(t, nil)
	before, err := os.ReadFile(filepath.Join(dir, "gate.json"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds the first one's files
		if _, err := report.Run(t.Context(), report.Options{Input: dir, Output: dir}); err != nil {
			t.Fatal(err)
		}
	}
	after, err := os.ReadFile(filepath.Join(dir, "gate.json"))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("a result was changed: %v", err)
	}
}

func TestAnInterruptedReportIsNoReport(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out := t.TempDir()
	_, err := report.Run(ctx, report.Options{Input: results(t, nil), Output: out})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if entries, err := os.ReadDir(out); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestASummaryIsReadBack(t *testing.T) {
	res, out := build(t, results(t, nil))
	again, err := report.ReadSummary(filepath.Join(out, report.SummaryFile))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(res, again); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
	for name, text := range map[string]string{"no JSON": "{", "another document": `{"image": {"ref": "x"}}`} {
		path := filepath.Join(t.TempDir(), report.SummaryFile)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := report.ReadSummary(path); err == nil || fault.KindOf(err) != fault.Input {
			t.Errorf("%s: got %v, want an input error", name, err)
		}
	}
}

func TestTheTableDoesNotSteerTheTerminal(t *testing.T) {
	res, _ := build(t, results(t, map[string]func(string) string{
		"publish.json": replace("demo/hello-go", `demo/\u001b[2Jhello-go`),
	}))
	var table bytes.Buffer
	res.Summary(&table)
	if strings.ContainsRune(table.String(), '\x1b') || !strings.Contains(table.String(), "[2Jhello-go") {
		t.Errorf("an escape code got through:\n%q", table.String())
	}
}

func TestAStepWithoutAResultIsAbsentFromTheSummary(t *testing.T) {
	_, out := build(t, results(t, map[string]func(string) string{"verify.json": nil, "deploy.json": nil, "gate.json": nil}))
	text, err := os.ReadFile(filepath.Join(out, report.SummaryFile))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"signature", "deploy", "scan", "sbom"} {
		if _, ok := doc[field]; ok {
			t.Errorf("%s is there though the step was not run", field)
		}
	}
}
