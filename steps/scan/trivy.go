package scan

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"

	trivydb "github.com/aquasecurity/trivy-db/pkg/db"
	dbtypes "github.com/aquasecurity/trivy-db/pkg/types"
	"github.com/aquasecurity/trivy/pkg/cache"
	"github.com/aquasecurity/trivy/pkg/clock"
	"github.com/aquasecurity/trivy/pkg/db"
	"github.com/aquasecurity/trivy/pkg/fanal/analyzer"
	"github.com/aquasecurity/trivy/pkg/fanal/applier"
	"github.com/aquasecurity/trivy/pkg/fanal/artifact"
	imageartifact "github.com/aquasecurity/trivy/pkg/fanal/artifact/image"
	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/aquasecurity/trivy/pkg/javadb"
	"github.com/aquasecurity/trivy/pkg/result"
	trivyscan "github.com/aquasecurity/trivy/pkg/scan"
	"github.com/aquasecurity/trivy/pkg/scan/langpkg"
	"github.com/aquasecurity/trivy/pkg/scan/local"
	"github.com/aquasecurity/trivy/pkg/scan/ospkg"
	"github.com/aquasecurity/trivy/pkg/types"
	"github.com/aquasecurity/trivy/pkg/vulnerability"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/uuid"
	_ "modernc.org/sqlite" // Trivy reads RPM and Java databases through database/sql
)

// process guards Trivy's databases: they are package variables, one per process.
var process sync.Mutex

// trivy scans img. The report is a function of the image and the database: its
// clock stands at the database's own time.
func trivy(ctx context.Context, img v1.Image, name string, digest v1.Hash, d opened) (report types.Report, err error) {
	process.Lock()
	defer process.Unlock()
	if err := db.Init(d.Dir); err != nil {
		return types.Report{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	javadb.Init(d.java.cache, nil, true, true, ftypes.RegistryOptions{})

	store := cache.NewMemoryCache()
	art, err := imageartifact.NewArtifact(named{img, name}, store, artifact.Option{
		Type:              ftypes.TypeContainerImage,
		DisabledAnalyzers: disabled(d.java.cache != ""),
		Parallel:          min(runtime.NumCPU(), 4), // layers at once; each may hold large files in memory
		NoProgress:        true,
		Offline:           true,
	})
	if err != nil {
		return types.Report{}, err
	}
	backend := local.NewService(applier.NewApplier(store), ospkg.NewScanner(), langpkg.NewScanner(), vulnerability.NewClient(trivydb.Config{}))
	ctx = clock.With(ctx, d.UpdatedAt)
	report, err = trivyscan.NewService(guarded{backend}, art).ScanArtifact(ctx, types.ScanOptions{
		PkgTypes:            types.PkgTypes,
		PkgRelationships:    ftypes.Relationships,
		Scanners:            types.Scanners{types.VulnerabilityScanner},
		VulnSeveritySources: []dbtypes.SourceID{"auto"}, // the vendor's, else NVD's; without it all are UNKNOWN
	})
	if err != nil {
		return types.Report{}, err
	}
	report.Trivy.Version = version()
	report.ReportID = uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "pave/scan/%s/%s/%s", name, digest, d.UpdatedAt)).String()
	return report, deduplicate(ctx, &report)
}

// deduplicate drops what Trivy found twice, and sorts, as its command does.
func deduplicate(ctx context.Context, report *types.Report) error {
	all := []dbtypes.Severity{dbtypes.SeverityUnknown, dbtypes.SeverityLow, dbtypes.SeverityMedium, dbtypes.SeverityHigh, dbtypes.SeverityCritical}
	for i := range report.Results {
		if err := result.FilterResult(ctx, &report.Results[i], result.IgnoreConfig{}, result.FilterOptions{Severities: all}); err != nil {
			return err
		}
	}
	return nil
}

// disabled are the analyzers that Trivy's image command leaves out when it
// looks for vulnerabilities only.
func disabled(java bool) []analyzer.Type {
	off := []analyzer.Type{
		analyzer.TypeApkCommand, // asks the network
		analyzer.TypeHistoryDockerfile, analyzer.TypeSecret, analyzer.TypeLicenseFile,
		analyzer.TypeExecutable, analyzer.TypeRpmArchive,
	}
	off = append(off, analyzer.TypeLockfiles...)
	off = append(off, analyzer.TypeConfigFiles...)
	if !java {
		off = append(off, analyzer.TypeJar) // it fails without its index
	}
	return off
}

// guarded turns a fault in a damaged page of the database, which is mapped into
// memory, into an error. Trivy reads the database in the caller's goroutine.
type guarded struct{ trivyscan.Backend }

// Scan implements Trivy's Backend.
func (g guarded) Scan(ctx context.Context, target, key string, blobs []string, o types.ScanOptions) (r types.ScanResponse, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the vulnerability database cannot be read, it may be damaged: %v", p)
		}
	}()
	return g.Backend.Scan(ctx, target, key, blobs, o)
}

// named is the image under a name, as Trivy wants it.
type named struct {
	v1.Image
	name string
}

// Name implements Trivy's image type.
func (n named) Name() string { return n.name }

// ID implements Trivy's image type: the digest of the configuration.
func (n named) ID() (string, error) {
	h, err := n.ConfigName()
	return h.String(), err
}

// RepoTags implements Trivy's image type: an archive has none.
func (n named) RepoTags() []string { return nil }

// RepoDigests implements Trivy's image type: an archive has none.
func (n named) RepoDigests() []string { return nil }

// version is the version of the Trivy that is built in, without a leading v,
// as its reports have it.
var version = sync.OnceValue(func() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/aquasecurity/trivy" && len(m.Version) > 1 {
				return m.Version[1:]
			}
		}
	}
	return unknownVersion
})

// unknownVersion is the version in a binary without build information, such as
// a test's.
const unknownVersion = "unknown"
