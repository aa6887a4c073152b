package sign

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	cosignbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	"github.com/sigstore/cosign/v2/pkg/types"
	"github.com/sigstore/rekor/pkg/generated/models"
	"github.com/sigstore/sigstore/pkg/signature/dsse"
	"github.com/sigstore/sigstore/pkg/signature/options"
	"github.com/sigstore/sigstore/pkg/signature/payload"
)

// sealer signs statements and, where there is a transparency log, has the
// signature recorded before anything is written to a registry.
type sealer struct {
	signer *signer
	log    *transparencyLog // nil: none
}

// bundle gives s as a Sigstore bundle.
func (s sealer) bundle(ctx context.Context, st statement) ([]byte, error) {
	body, envelope, err := s.envelope(ctx, st)
	if err != nil {
		return nil, err
	}
	entry, err := s.log.recordEnvelope(ctx, envelope, s.signer.pem)
	if err != nil {
		return nil, err
	}
	return cosignbundle.MakeNewBundle(s.signer.public, entry, body, envelope, s.signer.pem, nil)
}

// attestation gives st as a layer of the legacy attestation tag.
func (s sealer) attestation(ctx context.Context, st statement) (oci.Signature, error) {
	_, envelope, err := s.envelope(ctx, st)
	if err != nil {
		return nil, err
	}
	entry, err := s.log.recordEnvelope(ctx, envelope, s.signer.pem)
	if err != nil {
		return nil, err
	}
	return static.NewAttestation(envelope,
		static.WithLayerMediaType(types.DssePayloadType),
		static.WithAnnotations(map[string]string{"predicateType": st.PredicateType}),
		withEntry(entry))
}

// simpleSignature gives a layer of the legacy signature tag.
func (s sealer) simpleSignature(ctx context.Context, image *subject) (oci.Signature, error) {
	content, err := payload.Cosign{Image: image.ref}.MarshalJSON()
	if err != nil {
		return nil, err
	}
	signature, err := s.signer.SignMessage(bytes.NewReader(content), options.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", image.ref, err)
	}
	entry, err := s.log.recordSignature(ctx, signature, content, s.signer.pem)
	if err != nil {
		return nil, err
	}
	return static.NewSignature(content, base64.StdEncoding.EncodeToString(signature), withEntry(entry))
}

// withEntry adds the transparency log's entry to a legacy layer, if there is one.
func withEntry(entry *models.LogEntryAnon) static.Option {
	if entry == nil {
		return static.WithBundle(nil)
	}
	return static.WithBundle(cosignbundle.EntryToBundle(entry))
}

// envelope gives the statement's bytes and the signed DSSE envelope with them.
func (s sealer) envelope(ctx context.Context, st statement) (body, envelope []byte, err error) {
	body, err = json.Marshal(st)
	if err != nil {
		return nil, nil, err
	}
	envelope, err = dsse.WrapSigner(s.signer, payloadType).SignMessage(bytes.NewReader(body), options.WithContext(ctx))
	if err != nil {
		return nil, nil, fmt.Errorf("sign a statement of type %s: %w", TypeName(st.PredicateType), err)
	}
	return body, envelope, nil
}
