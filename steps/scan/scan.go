// Package scan looks for known vulnerabilities in an image, with Trivy in
// process, and holds them against limits. It promises that a pass means that
// the whole image was held against a database of known age: what could not be
// looked at is an error or a warning in the result, never silence.
package scan

import (
	"context"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
)

// Options say what to scan, with which database, and how much is too much.
type Options struct {
	Image      v1.Image
	Name       string // what reports call the image; empty for its digest
	Output     string // folder for the reports; made if missing
	Database   Database
	Limits     Limits
	OnlyFixed  bool   // leave out vulnerabilities that have no fixed version
	IgnoreFile string // YAML, see Ignore; empty for none
}

// Database says where the vulnerability database comes from: a folder, or a
// registry.
type Database struct {
	Dir          string           // with trivy.db and metadata.json, or a Trivy cache with db/ and java-db/
	Repositories []string         // tried in order if Dir is empty; empty for Trivy's own
	Cache        string           // folder for downloads; empty for the user's cache folder
	MaxAge       time.Duration    // how old its advisories may be; 0 for 7 days
	Client       *registry.Client // needed without Dir
}

// Run scans the image and writes scan.json, scan.sarif, scan.txt and vuln.json.
// A result over the limits is no error: see Result.Verdict.
func Run(ctx context.Context, o Options) (Result, error) {
	if o.Image == nil || o.Output == "" {
		return Result{}, fault.Inputf("a scan needs an image and an output folder")
	}
	if err := o.Limits.validate(); err != nil {
		return Result{}, err
	}
	now := time.Now()
	rules, err := readIgnoreFile(o.IgnoreFile, now)
	if err != nil {
		return Result{}, err
	}
	digest, err := o.Image.Digest()
	if err != nil {
		return Result{}, fault.Inputf("image: %w", err)
	}
	if o.Name == "" {
		o.Name = digest.String()
	}
	database, err := o.Database.open(ctx, now)
	if err != nil {
		return Result{}, err
	}
	report, err := trivy(ctx, o.Image, o.Name, digest, database)
	if err != nil {
		if ctx.Err() != nil {
			return Result{}, ctx.Err()
		}
		return Result{}, fault.Failedf("scan image %s: %w", digest, err)
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err // Trivy may have given up in part
	}
	r := Result{Digest: digest.String(), OnlyFixed: o.OnlyFixed, Limits: o.Limits, Database: database.used, Warnings: warnings(&report, database)}
	r.Ignored = rules.apply(&report, o.OnlyFixed)
	r.Warnings = append(r.Warnings, rules.warnings()...)
	r.count(report, o.Limits)
	r.Files, err = write(o.Output, report, r)
	return r, err
}
