// Package sign signs images, attests facts about them and verifies both, the
// way cosign does, so that cosign and Kyverno can check what it writes.
//
// What is written is either a Sigstore bundle (v0.3) that refers to the image
// as an OCI referrer, or, on request, cosign's older .sig and .att tags. A bundle
// signature is itself an attestation, with cosign's sign predicate type; no
// other attestation counts as a signature.
//
// Everything works offline: no transparency log is asked unless one is named.
// Every write is idempotent: what a valid statement by the same key already
// says is not said again.
package sign

import (
	"context"
	"fmt"
	"io"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
)

// Format is where signatures and attestations stand in the registry.
type Format string

// The formats.
const (
	Bundle Format = "bundle" // Sigstore bundles as OCI referrers of the image
	Legacy Format = "legacy" // cosign's tags sha256-….sig and sha256-….att
)

// Target names the image and says how to write about it.
type Target struct {
	Ref      string // registry/project/app@sha256:…, pinned by digest
	Registry registry.Options
	Key      Key
	Format   Format // empty: Bundle
	RekorURL string // a transparency log that records what is signed; empty: none
}

// ImageResult says what signing an image did.
type ImageResult struct {
	Ref    string `json:"ref"`
	Digest string `json:"digest"`
	Format Format `json:"format"`
	Signed bool   `json:"signed"` // false: a valid signature by this key was there
}

// Summary writes the result for a person.
func (r ImageResult) Summary(w io.Writer) {
	did := "signed"
	if !r.Signed {
		did = "already signed by this key"
	}
	fmt.Fprintf(w, "%s (%s)\n%s\n", did, r.Format, r.Ref)
}

// Image signs an image that is in its registry. A valid signature by the same
// key is left alone.
func Image(ctx context.Context, t Target) (ImageResult, error) {
	w, err := t.open(ctx)
	if err != nil {
		return ImageResult{}, err
	}
	defer w.subject.close()
	added, err := w.add(ctx, []statement{signatureOf(w.subject)})
	if err != nil {
		return ImageResult{}, err
	}
	return ImageResult{
		Ref:    t.Ref,
		Digest: w.subject.ref.DigestStr(),
		Format: w.layout.format(),
		Signed: added[0],
	}, nil
}

// writer adds statements about one image with one key in one layout.
type writer struct {
	subject *subject
	layout  layout
	sealer  sealer
}

func (t Target) open(ctx context.Context) (*writer, error) {
	switch t.Format {
	case "", Bundle, Legacy:
	default:
		return nil, fault.Inputf("signature format %q is unknown", t.Format).Fix("use %s or %s", Bundle, Legacy)
	}
	signer, err := t.Key.signer(ctx, t.Registry.CAFile)
	if err != nil {
		return nil, err
	}
	log, err := newTransparencyLog(t.RekorURL, t.Registry.CAFile)
	if err != nil {
		return nil, err
	}
	s, err := openSubject(ctx, t.Ref, t.Registry)
	if err != nil {
		return nil, err
	}
	w := &writer{subject: s, sealer: sealer{signer, log}, layout: bundles{s}}
	if t.Format == Legacy {
		w.layout = tags{s}
	}
	return w, nil
}

// add signs and attaches the statements that the registry does not hold yet,
// validly signed by the same key. It tells for each whether it was added.
func (w *writer) add(ctx context.Context, statements []statement) ([]bool, error) {
	types := map[string]bool{}
	for _, s := range statements {
		types[s.PredicateType] = true
	}
	claims, err := w.layout.find(ctx, w.sealer.signer.keys(), func(t string) bool { return types[t] })
	if err != nil {
		return nil, err
	}
	added := make([]bool, len(statements))
	var missing []statement
	for i, s := range statements {
		if !held(claims, s) {
			added[i] = true
			missing = append(missing, s)
		}
	}
	if len(missing) == 0 {
		return added, nil
	}
	return added, w.layout.attach(ctx, missing, w.sealer)
}
