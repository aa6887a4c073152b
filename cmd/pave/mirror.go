package main

import (
	"context"
	"fmt"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/mirror"
	"github.com/pave-platform/pave/steps/scan"
	"github.com/pave-platform/pave/steps/sign"
)

// mirrorTools lets the steps that scan, sign and verify images serve the one that
// mirrors them.
type mirrorTools struct{ app *cli.App }

// Scanner implements mirrorcmd.Tools.
func (m mirrorTools) Scanner(flags cli.Scan) (mirror.Scan, error) {
	options, err := scanOptions(flags)
	if err != nil {
		return nil, err
	}
	prepareScanners(m.app)
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
			m.app.Log.Warn(w, "image", name)
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

// Signer implements mirrorcmd.Tools.
func (mirrorTools) Signer(flags cli.Signing, target registry.Options) mirror.Sign {
	return func(ctx context.Context, ref string) (bool, error) {
		r, err := sign.Image(ctx, signTarget(ref, target, flags))
		return r.Signed, err
	}
}

// Verify implements mirrorcmd.Tools.
func (mirrorTools) Verify(ctx context.Context, sources registry.Options, ref string, by mirror.Publisher) (string, error) {
	if by.KeyFile != "" {
		_, err := sign.Verify(ctx, sign.VerifyOptions{
			Ref: ref, Registry: sources, Key: sign.PublicKey{PEM: secret.Source{File: by.KeyFile}},
		})
		return "", err
	}
	r, err := sign.VerifyKeyless(ctx, sign.KeylessOptions{
		Ref: ref, Registry: sources, TrustedRoot: by.TrustedRoot,
		Issuer: by.Issuer, Subject: by.Subject, SubjectPattern: by.SubjectPattern,
	})
	return r.Subject, err
}
