package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Summary writes the report as a short table for a terminal.
func (r Result) Summary(w io.Writer) {
	fmt.Fprintf(w, "%s: %s\n%s\n\n", printable(r.Title), r.Verdict, printable(r.Reason))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush()
	row := func(name, format string, args ...any) {
		fmt.Fprintf(t, "%s\t%s\n", name, printable(fmt.Sprintf(format, args...)))
	}
	row("image", "%s", cmp.Or(r.Image.Ref, r.Image.Digest, string(NotRun)))
	row("packages", "%s", r.SBOM)
	row("vulnerabilities", "%s", r.Scan)
	if r.Scan != nil {
		row("database", "%s", r.Scan.Database)
		if r.Scan.Database.Demo() {
			row("", "a demonstration database: its findings say nothing about real risk")
		}
	}
	for _, warning := range r.warnings() {
		row("warning", "%s", warning)
	}
	row("signature", "%s", r.Signature)
	row("attestations", "%s", attestationWords(r.Attestations))
	row("provenance", "%s", r.Provenance)
	row("chart", "%s", r.Chart)
	row("commit", "%s", r.Deploy)
}

func (r Result) warnings() []string {
	var all []string
	if r.SBOM != nil {
		all = append(all, r.SBOM.Warnings...)
	}
	if r.Scan != nil {
		all = append(all, r.Scan.Warnings...)
	}
	return all
}

// The methods below say one part in a few words; nil is a step that was not run.

// String counts the packages and names the formats.
func (s *SBOM) String() string {
	if s == nil {
		return string(NotRun)
	}
	return strings.TrimSuffix(fmt.Sprintf("%d (%s)", s.Packages, strings.Join(s.Formats, ", ")), " ()")
}

// String counts the findings by severity, each with its limit.
func (s *Scan) String() string {
	if s == nil {
		return string(NotRun)
	}
	var parts []string
	for _, c := range s.counts() {
		part := fmt.Sprintf("%d %s", c.Count, c.Severity)
		if c.Limited {
			part += fmt.Sprintf(" (limit %d)", c.Limit)
		}
		parts = append(parts, part)
	}
	text := strings.Join(parts, ", ")
	if s.OnlyFixed {
		text += "; only what an update fixes"
	}
	return text
}

// String names the database and the day of its data.
func (d Database) String() string {
	words := []string{cmp.Or(d.Name, "unnamed")}
	if !d.UpdatedAt.IsZero() {
		words = append(words, "of "+d.UpdatedAt.UTC().Format("2006-01-02 15:04 UTC"))
	}
	if d.Source != "" && d.Source != d.Name {
		words = append(words, "from "+d.Source)
	}
	return strings.Join(words, " ")
}

// String says whether the signature is verified, and how it is stored.
func (s *Signature) String() string {
	switch {
	case s == nil:
		return string(NotRun)
	case s.Verified:
		return strings.TrimSuffix("verified ("+s.Format+")", " ()")
	}
	return "NOT verified"
}

func attestationWords(all []Attestation) string {
	var verified, rest []string
	for _, a := range all {
		name := cmp.Or(a.Type, a.PredicateType)
		if a.Verified {
			verified = append(verified, name)
		} else {
			rest = append(rest, name)
		}
	}
	var parts []string
	if len(verified) > 0 {
		parts = append(parts, "verified: "+strings.Join(verified, ", "))
	}
	if len(rest) > 0 {
		parts = append(parts, "NOT verified: "+strings.Join(rest, ", "))
	}
	return cmp.Or(strings.Join(parts, "; "), string(NotRun))
}

// String names the source and who built it.
func (p *Provenance) String() string {
	if p == nil {
		return string(NotRun)
	}
	return strings.TrimSpace(fmt.Sprintf("%s of %s, built by %s", cmp.Or(short(p.Commit), "no commit"), cmp.Or(p.Repository, "an unnamed repository"), cmp.Or(p.Builder, "nobody named")))
}

// String gives the reference, or name and version before it is pushed.
func (c *Chart) String() string {
	if c == nil {
		return string(NotRun)
	}
	return cmp.Or(c.Ref, c.Name+" "+c.Version)
}

// String gives the commit and the file that it changed.
func (d *Deploy) String() string {
	switch {
	case d == nil:
		return string(NotRun)
	case d.DryRun && d.Changed:
		return "dry run: " + d.Path + " would change"
	case d.DryRun:
		return "dry run: " + d.Path + " would not change"
	case !d.Changed:
		return fmt.Sprintf("%s on %s: no change to %s", short(d.Commit), d.Branch, d.Path)
	}
	return fmt.Sprintf("%s on %s: %s", short(d.Commit), d.Branch, d.Path)
}
