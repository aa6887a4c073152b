package sign

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/cosign/v2/pkg/oci/mutate"
	ociremote "github.com/sigstore/cosign/v2/pkg/oci/remote"
	"github.com/sigstore/sigstore/pkg/signature/payload"
)

// tags keeps statements under cosign's legacy tags: signatures as "simple
// signing" payloads in sha256-….sig, attestations as DSSE envelopes in
// sha256-….att. One write of a tag holds all that is under it.
type tags struct{ *subject }

func (tags) format() Format { return Legacy }

func (t tags) find(ctx context.Context, k keys, wanted func(string) bool) ([]claim, error) {
	var claims []claim
	if wanted(signatureType) {
		found, err := t.layers(ctx, ociremote.SignatureTag)
		if err != nil {
			return nil, err
		}
		for _, layer := range found {
			claims = append(claims, t.signature(k, layer))
		}
	}
	found, err := t.layers(ctx, ociremote.AttestationTag)
	if err != nil {
		return nil, err
	}
	for _, layer := range found {
		annotations, err := layer.Annotations()
		if err != nil {
			return nil, t.explain("attestations of "+t.ref.String(), err)
		}
		if p, ok := annotations["predicateType"]; !ok || wanted(p) {
			claims = append(claims, t.attestation(k, layer))
		}
	}
	slices.Reverse(claims) // layers are appended: the newest first
	return claims, nil
}

// layers gives what is under one of the tags; nothing if there is no such tag.
func (t tags) layers(ctx context.Context, tag func(name.Reference, ...ociremote.Option) (name.Tag, error)) ([]oci.Signature, error) {
	at, err := tag(t.ref, t.cosign(ctx))
	if err != nil {
		return nil, t.explain(t.ref.String(), err)
	}
	signatures, err := ociremote.Signatures(at, t.cosign(ctx))
	if err != nil {
		return nil, t.explain(at.String(), err)
	}
	found, err := signatures.Get()
	if err != nil {
		return nil, t.explain(at.String(), err)
	}
	return found, nil
}

func (t tags) signature(k keys, layer oci.Signature) claim {
	c := claim{format: Legacy, predicateType: signatureType, predicate: json.RawMessage("{}")}
	encoded, err := layer.Base64Signature()
	if err != nil {
		return c.because(err)
	}
	signature, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return c.because(err)
	}
	content, err := layer.Payload()
	if err != nil {
		return c.because(err)
	}
	if !k.verify(content, signature) {
		c.flaw = flawOtherKey
		return c
	}
	var simple payload.SimpleContainerImage
	if err := json.Unmarshal(content, &simple); err != nil {
		return c.because(err)
	}
	if simple.Critical.Type != payload.CosignSignatureType {
		return c.because(fmt.Errorf("a payload of type %q", simple.Critical.Type))
	}
	if got := simple.Critical.Image.DockerManifestDigest; got != t.ref.DigestStr() {
		return c.because(fmt.Errorf("about another image, %s", got))
	}
	return c
}

func (t tags) attestation(k keys, layer oci.Signature) claim {
	c := claim{format: Legacy, predicateType: "unknown"}
	content, err := layer.Payload()
	if err != nil {
		return c.because(err)
	}
	var envelope dsse.Envelope
	if err := json.Unmarshal(content, &envelope); err != nil {
		return c.because(err)
	}
	body, err := envelope.DecodeB64Payload()
	if err != nil {
		return c.because(err)
	}
	var signatures [][]byte
	for _, s := range envelope.Signatures {
		if signature, err := base64.StdEncoding.DecodeString(s.Sig); err == nil {
			signatures = append(signatures, signature)
		}
	}
	c = checkEnvelope(t.subject, k, envelope.PayloadType, body, signatures)
	c.format = Legacy
	if c.predicateType == signatureType {
		return c.because(fmt.Errorf("a bundle signature's statement under the legacy attestation tag"))
	}
	return c
}

// because gives the claim with a flaw.
func (c claim) because(err error) claim {
	c.flaw = err.Error()
	return c
}

func (t tags) attach(ctx context.Context, statements []statement, s sealer) error {
	var entity oci.SignedEntity = ociremote.SignedUnknown(t.ref, t.cosign(ctx))
	var signed, attested bool
	for _, st := range statements {
		var err error
		if st.PredicateType == signatureType {
			signed = true
			entity, err = t.attachSignature(ctx, entity, s)
		} else {
			attested = true
			entity, err = t.attachAttestation(ctx, entity, st, s)
		}
		if err != nil {
			return err
		}
	}
	if signed {
		if err := ociremote.WriteSignatures(t.ref.Repository, entity, t.cosign(ctx)); err != nil {
			return t.explain("attach a signature to "+t.ref.String(), err)
		}
	}
	if attested {
		if err := ociremote.WriteAttestations(t.ref.Repository, entity, t.cosign(ctx)); err != nil {
			return t.explain("attach attestations to "+t.ref.String(), err)
		}
	}
	return nil
}

func (t tags) attachSignature(ctx context.Context, to oci.SignedEntity, s sealer) (oci.SignedEntity, error) {
	layer, err := s.simpleSignature(ctx, t.subject)
	if err != nil {
		return nil, err
	}
	entity, err := mutate.AttachSignatureToEntity(to, layer)
	return entity, t.explain("signatures of "+t.ref.String(), err)
}

func (t tags) attachAttestation(ctx context.Context, to oci.SignedEntity, st statement, s sealer) (oci.SignedEntity, error) {
	layer, err := s.attestation(ctx, st)
	if err != nil {
		return nil, err
	}
	entity, err := mutate.AttachAttestationToEntity(to, layer)
	return entity, t.explain("attestations of "+t.ref.String(), err)
}
