package scan

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	dbtypes "github.com/aquasecurity/trivy-db/pkg/types"
	"github.com/aquasecurity/trivy/pkg/types"
)

// Result says what was found. The counts are of findings that are neither
// ignored nor, with Options.OnlyFixed, without a fix; as in Trivy's own table,
// one vulnerability in two packages counts twice.
type Result struct {
	Digest    string       `json:"digest"`
	Critical  int          `json:"critical"`
	High      int          `json:"high"`
	Medium    int          `json:"medium"`
	Low       int          `json:"low"`
	Unknown   int          `json:"unknown"`
	OnlyFixed bool         `json:"onlyFixed"`
	Limits    Limits       `json:"limits"`
	Exceeded  []Exceeded   `json:"exceeded"`
	Ignored   []Ignored    `json:"ignored"`
	Findings  []Finding    `json:"findings"` // the worst first
	Database  UsedDatabase `json:"database"`
	Files     []File       `json:"files"`
	Warnings  []string     `json:"warnings,omitempty"`
	Passed    bool         `json:"passed"`
}

// Finding is one vulnerability in one package.
type Finding struct {
	ID           string `json:"id"`
	Severity     string `json:"severity"` // CRITICAL, HIGH, MEDIUM, LOW or UNKNOWN
	Package      string `json:"package"`
	Version      string `json:"version"`
	FixedVersion string `json:"fixedVersion"` // empty if there is none
	Title        string `json:"title"`
	Path         string `json:"path,omitempty"` // file in the image, for a package in a file
}

// UsedDatabase says which database the findings are from.
type UsedDatabase struct {
	Name          string    `json:"name"`
	SchemaVersion int       `json:"schemaVersion"`
	UpdatedAt     time.Time `json:"updatedAt"`
	Source        string    `json:"source"` // a folder, or a reference by digest
}

// File is one report.
type File struct {
	Format string `json:"format"` // trivy, sarif-2.1.0, text or cosign-vuln
	Path   string `json:"path"`
}

// count fills in the findings and holds them against the limits.
func (r *Result) count(report types.Report, limits Limits) {
	counts := map[string]int{}
	r.Findings = []Finding{}
	for _, result := range report.Results {
		for _, v := range result.Vulnerabilities {
			severity := severityOf(v)
			counts[strings.ToLower(severity)]++
			r.Findings = append(r.Findings, Finding{
				ID: v.VulnerabilityID, Severity: severity, Package: v.PkgName, Version: v.InstalledVersion,
				FixedVersion: v.FixedVersion, Title: v.Title, Path: cmp.Or(v.PkgPath, binary(result)),
			})
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(dbtypes.CompareSeverityString(a.Severity, b.Severity),
			cmp.Compare(a.Package, b.Package), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Path, b.Path))
	})
	r.Critical, r.High, r.Medium, r.Low, r.Unknown =
		counts["critical"], counts["high"], counts["medium"], counts["low"], counts["unknown"]
	r.Exceeded = limits.exceeded(counts)
	r.Passed = len(r.Exceeded) == 0
}

// severityOf is the severity that Trivy chose among the sources'. The field is
// deprecated in the database, not in a report.
func severityOf(v types.DetectedVulnerability) string { return v.Severity } //nolint:staticcheck // see above

// binary is the file that a language result is about.
func binary(r types.Result) string {
	if r.Class == types.ClassLangPkg {
		return r.Target
	}
	return ""
}

// Summary writes the counts and the worst findings for a person.
func (r Result) Summary(w io.Writer) {
	verdict := "passed"
	if !r.Passed {
		verdict = "over the limit"
	}
	fmt.Fprintf(w, "%s: %s\n", r.Digest, verdict)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  SEVERITY\tFOUND\tLIMIT")
	for _, s := range severities {
		limit, limited := r.Limits[s]
		fmt.Fprintf(t, "  %s\t%d\t%s\n", strings.ToUpper(s), r.of(s), orNone(limit, limited))
	}
	t.Flush()
	fmt.Fprintf(w, "database: %s, schema %d, updated %s, from %s\n",
		r.Database.Name, r.Database.SchemaVersion, r.Database.UpdatedAt.Format(time.RFC3339), r.Database.Source)
	for _, i := range r.Ignored {
		fmt.Fprintf(w, "ignored until %s: %s: %s\n", i.Expires, i.ID, i.Reason)
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
}

func (r Result) of(severity string) int {
	return map[string]int{"critical": r.Critical, "high": r.High, "medium": r.Medium, "low": r.Low, "unknown": r.Unknown}[severity]
}

func orNone(limit int, limited bool) string {
	if !limited {
		return "-"
	}
	return fmt.Sprint(limit)
}
