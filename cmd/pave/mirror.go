package main

import (
	"context"
	"fmt"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/harbor"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/mirror"
	"github.com/pave-platform/pave/steps/scan"
	"github.com/pave-platform/pave/steps/sign"
)

// mirrorCommand brings approved content from public registries to the platform's.
func mirrorCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mirror",
		Short: "Approved images, charts and databases from public registries, in your own",
		Long: `Approved images, charts and databases from public registries, in your own.

images.yaml says what is wanted, images.lock.yaml beside it which content of it
was approved. plan shows what is different upstream, approve writes the lock, run
copies what the lock names and the target does not have, and signs it. A tag that
moves upstream is shown, never followed.

Logins at the sources are those of the Docker configuration file (DOCKER_CONFIG);
--registry-username is for the target's registry only.`,
	}
	cmd.AddCommand(
		mirrorApproveCommand(a),
		mirrorExportCommand(a),
		mirrorImportCommand(a),
		mirrorPlanCommand(a),
		mirrorRunCommand(a),
		mirrorSchemaCommand(a),
		mirrorStatusCommand(a),
	)
	return cmd
}

// mirrorFlags are those of every verb that reads the list.
type mirrorFlags struct {
	common mirror.Common
	scan   scanFlags
	noScan bool
}

func (m *mirrorFlags) add(f *pflag.FlagSet) {
	f.StringVar(&m.common.List, "list", "images.yaml", "what is mirrored")
	f.StringVar(&m.common.Lock, "lock", "", "what was approved (default: images.lock.yaml beside the list)")
	f.StringVar(&m.common.Target, "target", "", "registry/project to mirror to (default: the list's)")
}

// addScan adds the flags of the gate; they hold those of the registry too.
func (m *mirrorFlags) addScan(f *pflag.FlagSet) {
	m.scan.add(f)
	f.BoolVar(&m.noScan, "no-scan", false, "scan nothing: only the lock and signatures decide")
	for _, name := range []string{"max-critical", "max-high", "max-medium", "max-low", "max-unknown"} {
		f.Lookup(name).Usage += "; limits in the list go first"
	}
}

// options gives what every verb needs. The sources get the CA and no login of the
// target's.
func (m *mirrorFlags) options(a *app, target registry.Options) mirror.Common {
	c := m.common
	c.Registry, c.Sources, c.Log = target, registry.Options{CAFile: target.CAFile}, a.log
	return c
}

// scanner lets the step that scans images serve the one that mirrors them.
func (m *mirrorFlags) scanner(a *app) (mirror.Scan, error) {
	if m.noScan {
		return nil, nil
	}
	options, err := m.scan.options()
	if err != nil {
		return nil, err
	}
	a.prepareScanners()
	return func(ctx context.Context, img v1.Image, name string, limits map[string]int) (mirror.Scanned, error) {
		o := options
		o.Image, o.Name = img, name
		if limits != nil {
			o.Limits = limits
		}
		var err error
		if o.Output, err = os.MkdirTemp("", "pave-mirror-"); err != nil { // the reports are not kept
			return mirror.Scanned{}, err
		}
		defer os.RemoveAll(o.Output)
		r, err := scan.Run(ctx, o)
		if err != nil {
			return mirror.Scanned{}, err
		}
		for _, w := range r.Warnings {
			a.log.Warn(w, "image", name)
		}
		return scanned(r), nil
	}, nil
}

func scanned(r scan.Result) mirror.Scanned {
	s := mirror.Scanned{Counts: map[string]int{
		"critical": r.Critical, "high": r.High, "medium": r.Medium, "low": r.Low, "unknown": r.Unknown,
	}}
	for _, f := range r.Findings {
		s.Findings = append(s.Findings, f.ID+" "+f.Package)
	}
	for _, e := range r.Exceeded {
		s.Exceeded = append(s.Exceeded, fmt.Sprintf("%d %s vulnerabilities, at most %d are allowed", e.Count, e.Severity, e.Limit))
	}
	return s
}

// verifyPublisher lets the step that verifies signatures check publishers'.
func verifyPublisher(ctx context.Context, sources registry.Options, ref, keyFile string) error {
	_, err := sign.Verify(ctx, sign.VerifyOptions{
		Ref: ref, Registry: sources, Key: sign.PublicKey{PEM: secret.Source{File: keyFile}},
	})
	return err
}

// platformKeyFlags are the platform's key and the shape of its signatures.
type platformKeyFlags struct {
	target sign.Target
	legacy bool
	noSign bool
}

func (p *platformKeyFlags) add(f *pflag.FlagSet) {
	secretFlags(f, &p.target.Key.PEM, "key", "the platform's private key in PEM, as pave sign keygen or cosign made it")
	secretFlags(f, &p.target.Key.Password, "key-password", "the password of the private key (default: the empty password)")
	kmsFlags(f, &p.target.Key.KMS)
	f.BoolVar(&p.legacy, "legacy", false, "write cosign's .sig tags instead of bundles")
	f.StringVar(&p.target.RekorURL, "rekor-url", "", "transparency log (Rekor v1) that records each signature (default: none)")
	f.BoolVar(&p.noSign, "no-sign", false, "sign nothing")
}

// signer lets the step that signs images serve the one that mirrors them. Without
// a key nothing is copied in vain.
func (p *platformKeyFlags) signer(target registry.Options, dryRun bool) (mirror.Sign, error) {
	if p.noSign || dryRun {
		return nil, nil
	}
	if p.target.Key.PEM.IsZero() && p.target.Key.KMS.Name == "" {
		return nil, fault.Inputf("no signing key is given").Fix("give --key-file, --key-env or --kms hashivault://NAME, or --no-sign")
	}
	return func(ctx context.Context, ref string) (bool, error) {
		t := p.target
		t.Ref, t.Registry, t.Format = ref, target, format(p.legacy)
		r, err := sign.Image(ctx, t)
		return r.Signed, err
	}, nil
}

// harborFlags are the login at Harbor's API.
type harborFlags struct{ options harbor.Options }

func (h *harborFlags) add(f *pflag.FlagSet) {
	f.StringVar(&h.options.Username, "harbor-username", "", "user or robot at Harbor's API: makes the project if it is missing, and tells what its rules mean (default: the API is not used)")
	secretFlags(f, &h.options.Password, "harbor-token", "the password or token at Harbor's API")
	f.StringVar(&h.options.URL, "harbor-url", "", "Harbor's address (default: https:// and the target's registry)")
}

// get is nil where Harbor's API is not to be used.
func (h *harborFlags) get(target registry.Options) *harbor.Options {
	if h.options.Username == "" && h.options.Password.IsZero() {
		return nil
	}
	o := h.options
	o.CAFile = target.CAFile
	return &o
}
