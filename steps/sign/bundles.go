package sign

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	ociremote "github.com/sigstore/cosign/v2/pkg/oci/remote"
	sigstorebundle "github.com/sigstore/sigstore-go/pkg/bundle"
	"golang.org/x/sync/errgroup"
)

const (
	bundleTypePrefix        = "application/vnd.dev.sigstore.bundle"
	predicateTypeAnnotation = "dev.sigstore.bundle.predicateType"
	createdAnnotation       = "org.opencontainers.image.created"

	// maxStatementBytes bounds what a foreign manifest can make us read. It is
	// cosign's own limit.
	maxStatementBytes = 128 << 20
)

// bundles keeps Sigstore bundles as referrers of the image: through the
// registry's referrers API, or the fallback tag index where there is none.
//
// Nothing locks that index: of two runs that attach to one image at the same
// moment one can lose its entry. Running again adds it.
type bundles struct{ *subject }

func (bundles) format() Format { return Bundle }

func (b bundles) find(ctx context.Context, k keys, wanted func(string) bool) ([]claim, error) {
	referrers, err := b.referrers(ctx, wanted)
	if err != nil {
		return nil, b.explain("referrers of "+b.ref.String(), err)
	}
	claims := make([]claim, len(referrers))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i, d := range referrers {
		group.Go(func() (err error) {
			claims[i], err = b.claim(ctx, k, d)
			return b.explain(fmt.Sprintf("referrer %s of %s", d.Digest, b.ref), err)
		})
	}
	return claims, group.Wait()
}

// referrers lists the bundles, without those that say of themselves that they
// hold another predicate type. What says nothing of itself is listed.
func (b bundles) referrers(ctx context.Context, wanted func(string) bool) ([]v1.Descriptor, error) {
	index, err := remote.Referrers(b.ref, b.remote(ctx)...)
	if err != nil {
		return nil, err
	}
	list, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	var found []v1.Descriptor
	for _, d := range list.Manifests {
		if d.ArtifactType != "" && !strings.HasPrefix(d.ArtifactType, bundleTypePrefix) {
			continue
		}
		if t, ok := d.Annotations[predicateTypeAnnotation]; ok && !wanted(t) {
			continue
		}
		found = append(found, d)
	}
	return found, nil
}

// claim reads one bundle. An error is one of the registry; a bundle that
// cannot be read is a claim with a flaw.
func (b bundles) claim(ctx context.Context, k keys, d v1.Descriptor) (claim, error) {
	manifest, parsed, flaw, err := b.parse(ctx, d)
	if err != nil {
		return claim{}, err
	}
	flawed := claim{format: Bundle, predicateType: "unknown", flaw: flaw}
	if flaw != "" {
		return flawed, nil
	}
	envelope := parsed.GetDsseEnvelope()
	if envelope == nil {
		flawed.flaw = "a bundle without a DSSE envelope"
		return flawed, nil
	}
	var signatures [][]byte
	for _, s := range envelope.GetSignatures() {
		signatures = append(signatures, s.GetSig())
	}
	c := checkEnvelope(b.subject, k, envelope.GetPayloadType(), envelope.GetPayload(), signatures)
	c.format = Bundle
	c.created = manifest.Annotations[createdAnnotation]
	if c.flaw == flawOtherKey && k.hinted(parsed.GetVerificationMaterial().GetPublicKey().GetHint()) {
		c.flaw = "altered after it was signed by this key"
	}
	return c, nil
}

// parse gives the bundle of a referrer, or the flaw for which there is none. An
// error is one of the registry.
func (b bundles) parse(ctx context.Context, d v1.Descriptor) (*v1.Manifest, *sigstorebundle.Bundle, string, error) {
	manifest, raw, err := b.read(ctx, d)
	switch {
	case notFound(err):
		return nil, nil, "listed, but not in the registry", nil
	case err != nil:
		return nil, nil, "", err
	case raw == nil:
		return nil, nil, "not one bundle of a readable size", nil
	}
	var parsed sigstorebundle.Bundle
	if err := parsed.UnmarshalJSON(raw); err != nil {
		return nil, nil, fmt.Sprintf("not a Sigstore bundle: %v", err), nil
	}
	return manifest, &parsed, "", nil
}

// read gives the manifest of a referrer and the bundle in its one layer; a nil
// bundle if there is no such layer.
func (b bundles) read(ctx context.Context, d v1.Descriptor) (*v1.Manifest, []byte, error) {
	got, err := remote.Get(b.ref.Context().Digest(d.Digest.String()), b.remote(ctx)...)
	if err != nil {
		return nil, nil, err
	}
	manifest, err := v1.ParseManifest(bytes.NewReader(got.Manifest))
	if err != nil || len(manifest.Layers) != 1 {
		return nil, nil, nil
	}
	d = manifest.Layers[0]
	if !strings.HasPrefix(string(d.MediaType), bundleTypePrefix) || d.Size > maxStatementBytes {
		return nil, nil, nil
	}
	layer, err := remote.Layer(b.ref.Context().Digest(d.Digest.String()), b.remote(ctx)...)
	if err != nil {
		return nil, nil, err
	}
	content, err := layer.Compressed() // as it stands in the registry, its digest verified
	if err != nil {
		return nil, nil, err
	}
	defer content.Close()
	raw, err := io.ReadAll(io.LimitReader(content, d.Size+1))
	return manifest, raw, err
}

// attach writes one after the other: each updates the fallback tag index where
// there is no referrers API, and what is written before an interruption counts.
func (b bundles) attach(ctx context.Context, statements []statement, s sealer) error {
	for _, st := range statements {
		bundle, err := s.bundle(ctx, st)
		if err != nil {
			return err
		}
		if err := ociremote.WriteAttestationNewBundleFormat(b.ref, bundle, st.PredicateType, b.cosign(ctx)); err != nil {
			return b.explain(fmt.Sprintf("attach %s to %s", TypeName(st.PredicateType), b.ref), err)
		}
	}
	return nil
}
