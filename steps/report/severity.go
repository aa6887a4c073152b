package report

import (
	"cmp"
	"slices"
	"strings"
)

// severities, gravest first, as the limits and the page write them.
var severities = []string{"critical", "high", "medium", "low", "unknown"}

// severityCount is the number of findings of one severity beside its limit.
type severityCount struct {
	Severity string
	Count    int
	Limit    int
	Limited  bool
	Exceeded bool
}

func (s *Scan) counts() []severityCount {
	numbers := []int{s.Critical, s.High, s.Medium, s.Low, s.Unknown}
	out := make([]severityCount, len(severities))
	for i, name := range severities {
		limit, ok := s.Limits[name]
		limited := ok && limit >= 0
		out[i] = severityCount{name, numbers[i], limit, limited, limited && numbers[i] > limit}
	}
	return out
}

// bySeverity sorts findings, gravest first, then by id and package.
func bySeverity(all []finding) []finding {
	out := slices.Clone(all)
	for i, f := range out {
		out[i].Severity = strings.ToLower(f.Severity)
		if !slices.Contains(severities, out[i].Severity) {
			out[i].Severity = "unknown"
		}
	}
	slices.SortStableFunc(out, func(a, b finding) int {
		return cmp.Or(
			cmp.Compare(slices.Index(severities, a.Severity), slices.Index(severities, b.Severity)),
			cmp.Compare(a.ID, b.ID),
			cmp.Compare(a.Package, b.Package),
		)
	})
	return out
}

// Demo tells whether this is the small database that pave makes on the spot
// where no real one can be reached; it has demo in its name.
func (d Database) Demo() bool {
	return slices.Contains(strings.Fields(strings.ToLower(d.Name)), "demo")
}
