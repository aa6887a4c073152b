package scan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/vulndb/defaults"
)

// severities from the worst to the least known, as limits name them.
var severities = []string{"critical", "high", "medium", "low", "unknown"}

// Limits are the numbers of findings that still pass, by severity in lower
// case. A severity without an entry has no limit.
type Limits map[string]int

// DefaultLimits let at most three critical findings pass.
func DefaultLimits() Limits { return Limits{"critical": defaults.MaxCritical} }

// Exceeded is a limit that was passed.
type Exceeded struct {
	Severity string `json:"severity"` // CRITICAL, HIGH, MEDIUM, LOW or UNKNOWN
	Count    int    `json:"count"`
	Limit    int    `json:"limit"`
}

func (l Limits) exceeded(counts map[string]int) []Exceeded {
	over := []Exceeded{}
	for _, s := range severities {
		if limit, ok := l[s]; ok && counts[s] > limit {
			over = append(over, Exceeded{Severity: strings.ToUpper(s), Count: counts[s], Limit: limit})
		}
	}
	return over
}

// validate refuses severities that do not exist and numbers below zero.
func (l Limits) validate() error {
	for _, s := range slices.Sorted(maps.Keys(l)) {
		if !slices.Contains(severities, s) {
			return fault.Inputf("limit for unknown severity %q", s).Fix("use one of %q", severities)
		}
		if l[s] < 0 {
			return fault.Inputf("limit for %s findings is %d", s, l[s]).Fix("leave it out for no limit")
		}
	}
	return nil
}

// maxListed bounds how many findings an error names; the reports have all.
const maxListed = 20

// Verdict is nil for a result within the limits, else a gate error with a table
// of what exceeded them.
func (r Result) Verdict() error {
	if r.Passed {
		return nil
	}
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  SEVERITY\tFOUND\tLIMIT")
	over := map[string]bool{}
	for _, e := range r.Exceeded {
		over[e.Severity] = true
		fmt.Fprintf(t, "  %s\t%d\t%d\n", e.Severity, e.Count, e.Limit)
	}
	t.Flush()
	fmt.Fprintln(t, "  VULNERABILITY\tSEVERITY\tPACKAGE\tVERSION\tFIXED IN")
	listed, left := 0, 0
	for _, f := range r.Findings {
		if !over[f.Severity] {
			continue
		}
		if listed++; listed > maxListed {
			left++
			continue
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\n", f.ID, f.Severity, f.Package, f.Version, orDash(f.FixedVersion))
	}
	t.Flush()
	if left > 0 {
		fmt.Fprintf(&b, "  and %d more\n", left)
	}
	return fault.Gatef("image %s has more vulnerabilities than allowed; update the packages, or list a vulnerability with its reason and an expiry date in --ignore-file\n%s",
		r.Digest, strings.TrimRight(b.String(), "\n"))
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
