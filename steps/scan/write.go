package scan

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	trivyreport "github.com/aquasecurity/trivy/pkg/report"
	"github.com/aquasecurity/trivy/pkg/types"

	"github.com/pave-platform/pave/internal/outfile"
)

// write encodes all reports, then writes all.
func write(dir string, report types.Report, r Result) ([]File, error) {
	var files []File
	for _, f := range []struct {
		format, name string
		encode       func(types.Report, Result) ([]byte, error)
	}{
		{"trivy", "scan.json", encodeJSON},
		{"sarif-2.1.0", "scan.sarif", encodeSARIF},
		{"text", "scan.txt", encodeText},
		{"cosign-vuln", "vuln.json", encodePredicate},
	} {
		content, err := f.encode(report, r)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", f.name, err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		path := filepath.Join(dir, f.name)
		if err := outfile.Write(path, content); err != nil {
			return nil, err
		}
		files = append(files, File{Format: f.format, Path: path})
	}
	return files, nil
}

// encodeJSON gives Trivy's own report, with the packages, and with what is
// ignored and why.
func encodeJSON(report types.Report, _ Result) ([]byte, error) {
	var out bytes.Buffer
	err := trivyreport.JSONWriter{Output: &out, ListAllPkgs: true, ShowSuppressed: true}.Write(context.Background(), report)
	return out.Bytes(), err
}

func encodeSARIF(report types.Report, _ Result) ([]byte, error) {
	var out bytes.Buffer
	w := trivyreport.SarifWriter{Output: &out, Version: report.Trivy.Version}
	err := w.Write(context.Background(), report)
	return out.Bytes(), err
}

// encodeText gives a table for people, without colours: it is a file.
func encodeText(_ types.Report, r Result) ([]byte, error) {
	var out bytes.Buffer
	r.Summary(&out)
	if len(r.Findings) == 0 {
		return out.Bytes(), nil
	}
	fmt.Fprintln(&out)
	t := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "VULNERABILITY\tSEVERITY\tPACKAGE\tVERSION\tFIXED IN\tTITLE")
	for _, f := range r.Findings {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", f.ID, f.Severity, f.Package, f.Version, orDash(f.FixedVersion), f.Title)
	}
	err := t.Flush()
	return out.Bytes(), err
}
