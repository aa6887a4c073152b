package main

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/lab"
)

// upFlags are what `up` is told.
type upFlags struct {
	with    []string
	git     []string
	address string
	refresh time.Duration
	json    bool
}

func (a *app) up() *cobra.Command {
	var f upFlags
	cmd := &cobra.Command{
		Use: "up", Args: cobra.NoArgs, Short: "Build what is missing, start, tell where everything is, and run until Ctrl-C",
		Example: "  go run ./hack/lab up --with argocd,kubelet,registry,git",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runLab(cmd.Context(), f) },
	}
	names := make([]string, len(lab.Parts()))
	for i, p := range lab.Parts() {
		names[i] = string(p)
	}
	cmd.Flags().StringSliceVar(&f.with, "with", nil, "what to start: "+strings.Join(names, ", "))
	cmd.Flags().StringSliceVar(&f.git, "repository", nil, "make this empty repository on the Git server")
	cmd.Flags().StringVar(&f.address, "address", "127.0.0.1", "IP address of this machine at which its servers listen, for containers to reach")
	cmd.Flags().DurationVar(&f.refresh, "refresh", 5*time.Second, "how often Argo CD looks at repositories by itself")
	cmd.Flags().BoolVar(&f.json, "json", false, "write one JSON document when everything is ready")
	return cmd
}

func (f upFlags) options() (o lab.Options, err error) {
	if o.Address, err = netip.ParseAddr(f.address); err != nil {
		return o, fault.Inputf("--address: %w", err)
	}
	for _, name := range f.with {
		part, err := lab.ParsePart(name)
		if err != nil {
			return o, fault.Inputf("--with: %w", err)
		}
		o.Parts = append(o.Parts, part)
	}
	if len(f.git) != 0 {
		o.Parts = append(o.Parts, lab.Git)
	}
	o.Refresh = f.refresh
	return o, nil
}

// runLab runs a lab until ctx ends or `down` asks for its end.
func (a *app) runLab(ctx context.Context, f upFlags) (err error) {
	o, err := f.options()
	if err != nil {
		return err
	}
	o.Log = a.stderr
	if r, err := a.find(); err != nil {
		return err
	} else if r != nil {
		return fault.Failedf("lab %s runs already, as process %d", a.name, r.PID).Fix("use `down`, or another --name")
	}
	kubectl, err := lab.Kubectl(ctx)
	if err != nil {
		return err
	}
	l, err := lab.Up(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		if closed := l.Close(); err == nil {
			err = closed
		}
	}()
	for _, name := range f.git {
		if _, err := l.Repository(ctx, name); err != nil {
			return err
		}
	}
	r := newRecord(a.name, l, filepath.Dir(kubectl))
	asked, err := r.listen(ctx)
	if err != nil {
		return err
	}
	if err := r.write(); err != nil {
		return err
	}
	if err := r.print(a.stdout, f.json); err != nil {
		return err
	}
	if !f.json {
		if _, err := os.Stderr.WriteString("lab: ready; Ctrl-C ends it\n"); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done(): // as a person wants it
	case <-asked:
	}
	return nil
}
