package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/vulndb/defaults"
)

// Scan is how to scan an image: the flags of a scan, alone, in a gate or in a
// mirror.
type Scan struct {
	Registry     registry.Options // of the image and the database
	Database     string           // a folder
	Repositories []string         // of the database; empty: the public ones
	Cache        string
	MaxAge       time.Duration
	OnlyFixed    bool
	IgnoreFile   string

	critical, high, medium, low, unknown int
}

// Add adds the flags.
func (s *Scan) Add(f *pflag.FlagSet) {
	f.StringVar(&s.Database, "database", "", "folder with trivy.db and metadata.json, or a Trivy cache folder")
	f.StringSliceVar(&s.Repositories, "database-repository", nil,
		fmt.Sprintf("reference of the database, e.g. a mirror; tried in order (default: %s)", strings.Join(defaults.Repositories(), ", ")))
	f.StringVar(&s.Cache, "database-cache", "", "folder for downloaded databases (default: in the user's cache folder)")
	f.DurationVar(&s.MaxAge, "database-max-age", defaults.MaxAge, "how old the database may be")
	f.IntVar(&s.critical, "max-critical", defaults.MaxCritical, "critical findings that still pass; -1 for no limit")
	f.IntVar(&s.high, "max-high", -1, "high findings that still pass; -1 for no limit")
	f.IntVar(&s.medium, "max-medium", -1, "medium findings that still pass; -1 for no limit")
	f.IntVar(&s.low, "max-low", -1, "low findings that still pass; -1 for no limit")
	f.IntVar(&s.unknown, "max-unknown", -1, "findings of unknown severity that still pass; -1 for no limit")
	f.BoolVar(&s.OnlyFixed, "only-fixed", false, "count only vulnerabilities that have a fixed version")
	f.StringVar(&s.IgnoreFile, "ignore-file", "", "YAML file with vulnerabilities to ignore, each with a reason and an expiry date")
	RegistryFlags(f, &s.Registry)
}

// Limits are the numbers of findings that pass, by severity in lower case. What
// has no limit is not in it.
func (s *Scan) Limits() map[string]int {
	limits := map[string]int{}
	for severity, limit := range map[string]int{
		"critical": s.critical, "high": s.high, "medium": s.medium, "low": s.low, "unknown": s.unknown,
	} {
		if limit != -1 {
			limits[severity] = limit
		}
	}
	return limits
}
