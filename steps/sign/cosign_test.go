package sign_test

import (
	"bytes"
	"crypto"
	"encoding/json"
	"strings"
	"testing"

	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/cosign/v2/pkg/cosign/attestation"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/cosign/v2/pkg/oci/mutate"
	ociremote "github.com/sigstore/cosign/v2/pkg/oci/remote"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	"github.com/sigstore/cosign/v2/pkg/types"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/dsse"

	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/steps/sign"
)

// checks are those of `cosign verify --key cosign.pub --insecure-ignore-tlog`.
func (l *lab) checks(t *testing.T) *cosign.CheckOpts {
	t.Helper()
	key, err := cryptoutils.UnmarshalPEMToPublicKey(read(t, l.public.PEM.File))
	must(t, err)
	verifier, err := signature.LoadVerifier(key, crypto.SHA256)
	must(t, err)
	return &cosign.CheckOpts{
		RegistryClientOpts: []ociremote.Option{ociremote.WithRemoteOptions(l.Client(t).Remote(t.Context())...)},
		SigVerifier:        verifier,
		IgnoreTlog:         true,
	}
}

func TestCosignVerifiesWhatWeWrite(t *testing.T) {
	t.Parallel()
	for kind, start := range kinds {
		for _, format := range []sign.Format{sign.Bundle, sign.Legacy} {
			t.Run(kind+" as "+string(format), func(t *testing.T) {
				t.Parallel()
				l := newLab(t, start(t, registrytest.Options{}))
				l.sign(t, format, facts(t))
				o := l.checks(t)
				want := len(allTypes)
				if format == sign.Bundle {
					want++ // a bundle signature is an attestation
					o.NewBundleFormat, o.TrustedMaterial = true, &root.BaseTrustedMaterial{}
				} else {
					o.ClaimVerifier = cosign.SimpleClaimVerifier
					if _, _, err := cosign.VerifyImageSignatures(t.Context(), l.digest, o); err != nil {
						t.Error(err)
					}
				}
				o.ClaimVerifier = cosign.IntotoSubjectClaimVerifier
				found, _, err := cosign.VerifyImageAttestations(t.Context(), l.digest, o)
				if err != nil || len(found) != want {
					t.Errorf("cosign verifies %d attestations, want %d: %v", len(found), want, err)
				}

				_, public := newKey(t)
				l.public = public
				other := l.checks(t)
				other.NewBundleFormat, other.TrustedMaterial = o.NewBundleFormat, o.TrustedMaterial
				if _, _, err := cosign.VerifyImageAttestations(t.Context(), l.digest, other); err == nil {
					t.Error("cosign verifies them by another key too: this test shows nothing")
				}
			})
		}
	}
}

// TestWhatCosignWroteVerifies attests as cosign does in its legacy layout, with
// a statement of in-toto v0.1.
func TestWhatCosignWroteVerifies(t *testing.T) {
	t.Parallel()
	l := newLab(t, registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true}))
	l.sign(t, sign.Legacy, nil)
	statement, err := attestation.GenerateStatement(attestation.GenerateOpts{
		Predicate: strings.NewReader(`{"spdxVersion":"SPDX-2.3"}`), Type: "spdxjson",
		Digest: l.digest.DigestStr()[len("sha256:"):], Repo: l.digest.Repository.Name(),
	})
	must(t, err)
	payload, err := json.Marshal(statement)
	must(t, err)
	key, err := cryptoutils.UnmarshalPEMToPrivateKey(read(t, l.private.PEM.File), nil)
	must(t, err)
	signer, err := signature.LoadSigner(key, crypto.SHA256)
	must(t, err)
	envelope, err := dsse.WrapSigner(signer, types.IntotoPayloadType).SignMessage(bytes.NewReader(payload))
	must(t, err)
	layer, err := static.NewAttestation(envelope, static.WithLayerMediaType(types.DssePayloadType))
	must(t, err)
	remote := l.checks(t).RegistryClientOpts
	var entity oci.SignedEntity = ociremote.SignedUnknown(l.digest, remote...)
	entity, err = mutate.AttachAttestationToEntity(entity, layer)
	must(t, err)
	must(t, ociremote.WriteAttestations(l.digest.Repository, entity, remote...))

	if _, err := sign.Verify(t.Context(), l.verification("spdx")); err != nil {
		t.Error(err)
	}
}
