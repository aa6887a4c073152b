package scan

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aquasecurity/trivy/pkg/detector/library"
	"github.com/aquasecurity/trivy/pkg/fanal/analyzer"
	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/aquasecurity/trivy/pkg/types"
)

// warnings say what a scan without findings does not mean: packages that Trivy
// could not read, or of which the database knows nothing. It takes the notes
// that archives leave out of the report.
func warnings(report *types.Report, d opened) []string {
	var w []string
	archives := takeArchives(report)
	if n := len(archives); n > 0 && d.java.cache == "" {
		w = append(w, fmt.Sprintf("%d Java archive(s) were not scanned, the first is %s: %s", n, archives[0], d.java.problem))
	}
	packages := 0
	for _, r := range report.Results {
		packages += len(r.Packages)
		if r.Class == types.ClassLangPkg {
			w = append(w, ecosystemWarning(r, d)...)
		}
	}
	w = append(w, distroWarning(*report, d)...)
	if packages == 0 && len(archives) == 0 {
		w = append(w, "no package was found in the image: there was nothing to scan")
	}
	return w
}

func ecosystemWarning(r types.Result, d opened) []string {
	driver, ok := library.NewDriver(r.Type)
	if !ok {
		return []string{fmt.Sprintf("%s: packages of type %s cannot be scanned", r.Target, r.Type)}
	}
	if !d.Covers(driver.Type() + "::") {
		return []string{fmt.Sprintf("%s: the database %s knows nothing about %s packages", r.Target, d.Name, driver.Type())}
	}
	return nil
}

// bucketed are the distributions whose advisories are filed under their own
// name and version. The others share buckets, so that nothing can be said.
var bucketed = []ftypes.OSType{ftypes.Debian, ftypes.Ubuntu, ftypes.Alpine, ftypes.Rocky, ftypes.Alma}

func distroWarning(report types.Report, d opened) []string {
	os := report.Metadata.OS
	if os == nil || os.Family == "" || os.Family == "none" {
		return nil
	}
	var w []string
	scanned := slices.ContainsFunc(report.Results, func(r types.Result) bool { return r.Class == types.ClassOSPkg })
	switch {
	case !scanned:
		w = append(w, fmt.Sprintf("packages of the distribution %s %s were not scanned: Trivy found none, or does not know it", os.Family, os.Name))
	case slices.Contains(bucketed, os.Family) && !d.Covers(string(os.Family)+" "):
		w = append(w, fmt.Sprintf("the database %s knows nothing about %s", d.Name, os.Family))
	}
	if os.Eosl {
		w = append(w, fmt.Sprintf("%s %s gets no security updates any more, its advisories are incomplete", os.Family, os.Name))
	}
	return w
}

// archiveType notes Java archives, so that a scan without the Java index can
// say what it has not read.
const archiveType = "pave-java-archive"

func init() { analyzer.RegisterAnalyzer(archives{}) }

type archives struct{}

// Type implements Trivy's analyzer.
func (archives) Type() analyzer.Type { return archiveType }

// Version implements Trivy's analyzer.
func (archives) Version() int { return 1 }

// Required implements Trivy's analyzer: the same names as Trivy's own.
func (archives) Required(path string, _ os.FileInfo) bool {
	return slices.Contains([]string{".jar", ".war", ".ear", ".par"}, strings.ToLower(filepath.Ext(path)))
}

// Analyze implements Trivy's analyzer.
func (archives) Analyze(_ context.Context, in analyzer.AnalysisInput) (*analyzer.AnalysisResult, error) {
	return &analyzer.AnalysisResult{CustomResources: []ftypes.CustomResource{{Type: archiveType, FilePath: in.FilePath}}}, nil
}

func takeArchives(report *types.Report) []string {
	var found []string
	report.Results = slices.DeleteFunc(report.Results, func(r types.Result) bool {
		for _, c := range r.CustomResources {
			if c.Type == archiveType {
				found = append(found, c.FilePath)
			}
		}
		return r.Class == types.ClassCustom
	})
	slices.Sort(found)
	return found
}
