package sign

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
)

// KeylessOptions say who must have signed an image without a key of their own: by
// a short-lived certificate that Fulcio gave to an OIDC identity, and with an
// entry in a transparency log, which tells that the certificate was valid.
type KeylessOptions struct {
	Ref            string // registry/project/app@sha256:…, pinned by digest
	Registry       registry.Options
	TrustedRoot    string // Sigstore's trusted_root.json: the CAs, logs and time stampers that are trusted
	Issuer         string // who vouches for the identity, as https://token.actions.githubusercontent.com
	Subject        string // the identity; or
	SubjectPattern string // a regular expression that matches the whole of it
}

// KeylessResult says who signed.
type KeylessResult struct {
	Ref     string `json:"ref"`
	Digest  string `json:"digest"`
	Format  Format `json:"format"`
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

// Summary writes the result for a person.
func (r KeylessResult) Summary(w io.Writer) {
	fmt.Fprintf(w, "%-16s verified (%s)\n%-16s %s\n%-16s %s\n%s\n", "signature", r.Format, "subject", r.Subject, "issuer", r.Issuer, r.Ref)
}

// VerifyKeyless checks that the given identity signed an image, in a Sigstore
// bundle that refers to it or under cosign's legacy tag. It asks nobody but the
// image's registry: the certificate is checked for the time that the log's entry
// proves. What does not hold is a fault.Gate, in one line.
func VerifyKeyless(ctx context.Context, o KeylessOptions) (KeylessResult, error) {
	k, err := o.identity()
	if err != nil {
		return KeylessResult{}, err
	}
	s, err := openSubject(ctx, o.Ref, o.Registry)
	if err != nil {
		return KeylessResult{}, err
	}
	defer s.close()
	var all []keylessClaim
	for _, find := range []func(context.Context, keyless) ([]keylessClaim, error){bundles{s}.keyless, tags{s}.keyless} {
		found, err := find(ctx, k)
		if err != nil {
			return KeylessResult{}, err
		}
		for _, c := range found {
			if c.flaw == "" {
				return KeylessResult{Ref: o.Ref, Digest: s.ref.DigestStr(), Format: c.format, Issuer: c.issuer, Subject: c.subject}, nil
			}
		}
		all = append(all, found...)
	}
	return KeylessResult{}, k.refuse(o, all)
}

// keyless verifies signatures by one identity.
type keyless struct {
	verifier *verify.Verifier
	identity verify.PolicyOption
	trusted  root.TrustedMaterial
}

// keylessClaim is a signature and why it does not hold; by whom it is if it does.
type keylessClaim struct {
	format          Format
	issuer, subject string
	flaw            string
}

// identity reads what is trusted, and whom.
func (o KeylessOptions) identity() (keyless, error) {
	switch {
	case o.Issuer == "":
		return keyless{}, fault.Inputf("there is no issuer of the signer's identity")
	case (o.Subject == "") == (o.SubjectPattern == ""):
		return keyless{}, fault.Inputf("a signer needs a subject or a pattern for it, and not both")
	}
	pattern := o.SubjectPattern
	if pattern != "" {
		pattern = `\A(?:` + pattern + `)\z`
	}
	id, err := verify.NewShortCertificateIdentity(o.Issuer, "", o.Subject, pattern)
	if err != nil {
		return keyless{}, fault.Inputf("signer's subject %q is not a regular expression: %w", o.SubjectPattern, err)
	}
	trusted, err := readTrustedRoot(o.TrustedRoot)
	if err != nil {
		return keyless{}, err
	}
	wanted := []verify.VerifierOption{verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1)}
	if len(trusted.CTLogs()) > 0 {
		wanted = append(wanted, verify.WithSignedCertificateTimestamps(1))
	}
	verifier, err := verify.NewVerifier(trusted, wanted...)
	if err != nil {
		return keyless{}, fault.Inputf("trusted root %s: %w", o.TrustedRoot, err)
	}
	return keyless{verifier, verify.WithCertificateIdentity(id), trusted}, nil
}

// readTrustedRoot reads Sigstore's protobuf JSON. One without a CA or without a
// log would let nothing through, and not say why.
func readTrustedRoot(path string) (*root.TrustedRoot, error) {
	const remedy = "write it with `cosign initialize`, or take that of a Sigstore of your own"
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Inputf("trusted root: %w", err).Fix(remedy)
	}
	trusted, err := root.NewTrustedRootFromJSON(b)
	switch {
	case err != nil:
		return nil, fault.Inputf("trusted root %s: not Sigstore's trusted_root.json: %w", path, err).Fix(remedy)
	case len(trusted.FulcioCertificateAuthorities()) == 0:
		return nil, fault.Inputf("trusted root %s has no certificate authority", path).Fix(remedy)
	case len(trusted.RekorLogs()) == 0:
		return nil, fault.Inputf("trusted root %s has no transparency log", path).Fix(remedy)
	}
	return trusted, nil
}

// refuse says in one line why nothing holds.
func (k keyless) refuse(o KeylessOptions, all []keylessClaim) error {
	who := cmp.Or(o.Subject, o.SubjectPattern)
	var flaws []string
	for _, c := range all {
		flaws = append(flaws, c.flaw)
	}
	slices.Sort(flaws)
	flaws = slices.Compact(flaws)
	const most = 3
	if n := len(flaws); n > most {
		flaws = append(flaws[:most], fmt.Sprintf("and %d more", n-most))
	}
	if len(flaws) == 0 {
		flaws = []string{"it has none"}
	}
	return fault.Gatef("image %s has no signature by %s (%s): %s", o.Ref, who, o.Issuer, strings.Join(flaws, "; "))
}
