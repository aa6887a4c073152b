// Command nightly drives the golden path from Go: it builds and gates many
// applications at once, against today's vulnerability database, and prints one
// line for each. Nothing is published.
//
//	dagger run go run . -out reports ../hello-go ../hello-docker
//
// It exits with 3 if a gate said no, with 1 if something failed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"text/tabwriter"

	"dagger.io/dagger"
	"golang.org/x/sync/errgroup"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var s settings
	flag.StringVar(&s.module, "module", "../..", "the pave module: a folder or a Git reference")
	flag.StringVar(&s.commit, "commit", "", "commit that the applications are at (default: read from each one's .git folder)")
	flag.StringVar(&s.database, "database", "", "folder with a vulnerability database (default: the public one)")
	flag.StringVar(&s.goproxy, "goproxy", "", "Go module proxy, where the public one cannot be reached")
	flag.StringVar(&s.out, "out", "reports", "folder for the reports")
	flag.Parse()
	s.applications = flag.Args()

	err := run(ctx, s)
	switch {
	case errors.Is(err, errRefused):
		os.Exit(3)
	case err != nil:
		fmt.Fprintln(os.Stderr, "nightly:", err)
		os.Exit(1)
	}
}

var errRefused = errors.New("a gate said no")

type settings struct {
	module, commit, database, goproxy, out string
	applications                           []string // folders
}

// run walks all applications at the same time, in one Dagger session.
func run(ctx context.Context, s settings) error {
	if len(s.applications) == 0 {
		return errors.New("no application; give their folders")
	}
	client, err := dagger.Connect(ctx, dagger.WithLogOutput(os.Stderr))
	if err != nil {
		return err
	}
	defer client.Close()
	pave, err := load(ctx, client, s)
	if err != nil {
		return err
	}
	summaries := make([]summary, len(s.applications))
	group, groupCtx := errgroup.WithContext(ctx)
	for i, folder := range s.applications {
		group.Go(func() (err error) {
			if summaries[i], err = pave.gate(groupCtx, folder, filepath.Join(s.out, filepath.Base(folder))); err != nil {
				return fmt.Errorf("%s: %w", folder, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return table(os.Stdout, summaries)
}

// table prints one line per application, and tells whether all passed.
func table(w io.Writer, all []summary) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "APPLICATION\tGATES\tCRITICAL\tHIGH\tPACKAGES\tDATABASE")
	var refused error
	for _, s := range all {
		verdict := "passed"
		if !s.Scan.Passed {
			verdict, refused = "refused", errRefused
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%s\n", s.Title, verdict, s.Scan.Critical, s.Scan.High, s.SBOM.Packages, s.Scan.Database.Name)
	}
	return errors.Join(t.Flush(), refused)
}
