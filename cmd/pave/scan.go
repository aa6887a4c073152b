package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/internal/vulndb"
	"github.com/pave-platform/pave/steps/scan"
)

func scanCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "scan",
		Short: "Known vulnerabilities in an image, held against limits",
	}
	cmd.AddCommand(scanImageCommand(a), scanDatabaseCommand(a))
	return cmd
}

func scanImageCommand(a *app) *cobra.Command {
	var o scanFlags
	var archive string
	cmd := &cobra.Command{
		Use:   "image --tarball FILE --output DIR (--database DIR | --database-repository REF)",
		Short: "Scan an image; exit 3 if it has more vulnerabilities than allowed",
		Long: `Scan an image; exit 3 if it has more vulnerabilities than allowed.

Writes scan.json (Trivy's report), scan.sarif, scan.txt and vuln.json, the
predicate of a vulnerability attestation, also for an image over the limits.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := required(cmd, "tarball", "output"); err != nil {
				return err
			}
			options, err := o.options()
			if err != nil {
				return err
			}
			return withImage(cmd.Context(), archive, func(img v1.Image) error {
				a.prepareScanners()
				options.Image = img
				r, err := scan.Run(cmd.Context(), options)
				if err != nil {
					return err
				}
				if err := a.emit(r); err != nil {
					return err
				}
				return r.Verdict()
			})
		},
	}
	cmd.Flags().StringVar(&archive, "tarball", "", "image as an OCI layout: a tar file or a folder")
	cmd.Flags().StringVar(&o.scan.Name, "name", "", "what the reports call the image, e.g. registry/project/app (default: its digest)")
	cmd.Flags().StringVar(&o.scan.Output, "output", "", "folder for the reports, made if missing")
	o.add(cmd.Flags())
	return cmd
}

// scanFlags are the flags of a scan, alone or in a gate.
type scanFlags struct {
	scan     scan.Options
	registry registry.Options
	limits   struct{ critical, high, medium, low, unknown int }
}

func (s *scanFlags) add(f *pflag.FlagSet) {
	f.StringVar(&s.scan.Database.Dir, "database", "", "folder with trivy.db and metadata.json, or a Trivy cache folder")
	f.StringSliceVar(&s.scan.Database.Repositories, "database-repository", nil,
		fmt.Sprintf("reference of the database, e.g. a mirror; tried in order (default: %s)", strings.Join(vulndb.DefaultRepositories(), ", ")))
	f.StringVar(&s.scan.Database.Cache, "database-cache", "", "folder for downloaded databases (default: in the user's cache folder)")
	f.DurationVar(&s.scan.Database.MaxAge, "database-max-age", vulndb.DefaultMaxAge, "how old the database may be")
	f.IntVar(&s.limits.critical, "max-critical", scan.DefaultLimits()["critical"], "critical findings that still pass; -1 for no limit")
	f.IntVar(&s.limits.high, "max-high", -1, "high findings that still pass; -1 for no limit")
	f.IntVar(&s.limits.medium, "max-medium", -1, "medium findings that still pass; -1 for no limit")
	f.IntVar(&s.limits.low, "max-low", -1, "low findings that still pass; -1 for no limit")
	f.IntVar(&s.limits.unknown, "max-unknown", -1, "findings of unknown severity that still pass; -1 for no limit")
	f.BoolVar(&s.scan.OnlyFixed, "only-fixed", false, "count only vulnerabilities that have a fixed version")
	f.StringVar(&s.scan.IgnoreFile, "ignore-file", "", "YAML file with vulnerabilities to ignore, each with a reason and an expiry date")
	registryFlags(f, &s.registry)
}

func (s *scanFlags) options() (scan.Options, error) {
	o := s.scan
	o.Limits = scan.Limits{}
	for severity, limit := range map[string]int{
		"critical": s.limits.critical, "high": s.limits.high, "medium": s.limits.medium,
		"low": s.limits.low, "unknown": s.limits.unknown,
	} {
		if limit != -1 {
			o.Limits[severity] = limit
		}
	}
	client, err := registry.New(databaseRegistry(s.registry, o.Database.Repositories))
	o.Database.Client = client
	return o, err
}

// databaseRegistry leaves the platform's credentials out where the database comes
// from the public registries: those are nobody's business there.
func databaseRegistry(o registry.Options, repositories []string) registry.Options {
	if len(repositories) == 0 {
		o.Username, o.Password = "", secret.Source{}
	}
	return o
}

func scanDatabaseCommand(a *app) *cobra.Command {
	var o registry.Options
	var refs []string
	var output string
	maxAge := vulndb.DefaultMaxAge
	cmd := &cobra.Command{
		Use:   "database --output DIR [--repository REF]",
		Short: "Download a vulnerability database for pave scan image --database",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := required(cmd, "output"); err != nil {
				return err
			}
			client, err := registry.New(databaseRegistry(o, refs))
			if err != nil {
				return err
			}
			if len(refs) == 0 {
				refs = vulndb.DefaultRepositories()
			}
			a.log.Info("downloading the vulnerability database", "from", refs)
			d, source, err := vulndb.Pull(cmd.Context(), client, refs, output, maxAge)
			if err != nil {
				return err
			}
			return a.emit(downloaded{Path: output, UsedDatabase: scan.UsedDatabase{
				Name: d.Name, SchemaVersion: d.SchemaVersion, UpdatedAt: d.UpdatedAt, Source: source,
			}})
		},
	}
	cmd.Flags().StringSliceVar(&refs, "repository", nil, fmt.Sprintf("reference of the database, tried in order (default: %s)", strings.Join(vulndb.DefaultRepositories(), ", ")))
	cmd.Flags().StringVar(&output, "output", "", "folder for trivy.db and metadata.json, made if missing")
	cmd.Flags().DurationVar(&maxAge, "database-max-age", maxAge, "how old the database may be")
	registryFlags(cmd.Flags(), &o)
	return cmd
}

// downloaded is the result of pave scan database.
type downloaded struct {
	Path string `json:"path"`
	scan.UsedDatabase
}

// Summary implements result.
func (d downloaded) Summary(w io.Writer) {
	fmt.Fprintf(w, "%s, updated %s\n%s\n", d.Name, d.UpdatedAt.Format("2006-01-02 15:04 MST"), d.Path)
}

// heapLimit is where the garbage collector starts to work hard. Syft and Trivy
// leave much garbage on an image with large programs.
const heapLimit = 768 << 20

// prepareScanners keeps the scanners' own progress, which they log as
// information, from the output, and their garbage from filling the memory.
func (a *app) prepareScanners() {
	slog.SetDefault(slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if _, set := os.LookupEnv("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(heapLimit)
	}
}
