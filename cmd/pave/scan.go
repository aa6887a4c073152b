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

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/internal/vulndb"
	"github.com/pave-platform/pave/internal/vulndb/defaults"
	"github.com/pave-platform/pave/steps/scan"
)

func scanCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "scan",
		Short: "Known vulnerabilities in an image, held against limits",
	}
	cmd.AddCommand(scanImageCommand(a), scanDatabaseCommand(a))
	return cmd
}

func scanImageCommand(a *cli.App) *cobra.Command {
	var flags cli.Scan
	var archive, name, output string
	cmd := &cobra.Command{
		Use:   "image --tarball FILE --output DIR (--database DIR | --database-repository REF)",
		Short: "Scan an image; exit 3 if it has more vulnerabilities than allowed",
		Long: `Scan an image; exit 3 if it has more vulnerabilities than allowed.

Writes scan.json (Trivy's report), scan.sarif, scan.txt and vuln.json, the
predicate of a vulnerability attestation, also for an image over the limits.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "tarball", "output"); err != nil {
				return err
			}
			options, err := scanOptions(flags)
			if err != nil {
				return err
			}
			return withImage(cmd.Context(), archive, func(img v1.Image) error {
				prepareScanners(a)
				options.Image, options.Name, options.Output = img, name, output
				r, err := scan.Run(cmd.Context(), options)
				if err != nil {
					return err
				}
				if err := a.Emit(r); err != nil {
					return err
				}
				return r.Verdict()
			})
		},
	}
	cmd.Flags().StringVar(&archive, "tarball", "", "image as an OCI layout: a tar file or a folder")
	cmd.Flags().StringVar(&name, "name", "", "what the reports call the image, e.g. registry/project/app (default: its digest)")
	cmd.Flags().StringVar(&output, "output", "", "folder for the reports, made if missing")
	flags.Add(cmd.Flags())
	return cmd
}

// scanOptions are the flags in the step's words.
func scanOptions(s cli.Scan) (scan.Options, error) {
	client, err := registry.New(databaseRegistry(s.Registry, s.Repositories))
	return scan.Options{
		Database:  scan.Database{Dir: s.Database, Repositories: s.Repositories, Cache: s.Cache, MaxAge: s.MaxAge, Client: client},
		Limits:    s.Limits(),
		OnlyFixed: s.OnlyFixed, IgnoreFile: s.IgnoreFile,
	}, err
}

// databaseRegistry leaves the platform's credentials out where the database comes
// from the public registries: those are nobody's business there.
func databaseRegistry(o registry.Options, repositories []string) registry.Options {
	if len(repositories) == 0 {
		o.Username, o.Password = "", secret.Source{}
	}
	return o
}

func scanDatabaseCommand(a *cli.App) *cobra.Command {
	var o registry.Options
	var refs []string
	var output string
	maxAge := defaults.MaxAge
	cmd := &cobra.Command{
		Use:   "database --output DIR [--repository REF]",
		Short: "Download a vulnerability database for pave scan image --database",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "output"); err != nil {
				return err
			}
			client, err := registry.New(databaseRegistry(o, refs))
			if err != nil {
				return err
			}
			if len(refs) == 0 {
				refs = defaults.Repositories()
			}
			a.Log.Info("downloading the vulnerability database", "from", refs)
			d, source, err := vulndb.Pull(cmd.Context(), client, refs, output, maxAge)
			if err != nil {
				return err
			}
			return a.Emit(downloaded{Path: output, UsedDatabase: scan.UsedDatabase{
				Name: d.Name, SchemaVersion: d.SchemaVersion, UpdatedAt: d.UpdatedAt, Source: source,
			}})
		},
	}
	cmd.Flags().StringSliceVar(&refs, "repository", nil, fmt.Sprintf("reference of the database, tried in order (default: %s)", strings.Join(defaults.Repositories(), ", ")))
	cmd.Flags().StringVar(&output, "output", "", "folder for trivy.db and metadata.json, made if missing")
	cmd.Flags().DurationVar(&maxAge, "database-max-age", maxAge, "how old the database may be")
	cli.RegistryFlags(cmd.Flags(), &o)
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
func prepareScanners(a *cli.App) {
	slog.SetDefault(slog.New(slog.NewTextHandler(a.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if _, set := os.LookupEnv("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(heapLimit)
	}
}
