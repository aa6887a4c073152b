package sign

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	cosignbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci"
	ociremote "github.com/sigstore/cosign/v2/pkg/oci/remote"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	sigstorebundle "github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature/payload"
)

// keyless gives the signatures under cosign's legacy tag, the newest first, up to
// the first that holds: where an image is signed anew every night, there are many.
func (t tags) keyless(ctx context.Context, k keyless) ([]keylessClaim, error) {
	layers, err := t.layers(ctx, ociremote.SignatureTag)
	if err != nil {
		return nil, err
	}
	var claims []keylessClaim
	for _, layer := range slices.Backward(layers) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		c, err := t.keylessLayer(k, layer)
		if err != nil {
			return nil, err
		}
		claims = append(claims, c)
		if c.flaw == "" {
			break
		}
	}
	return claims, nil
}

// keylessLayer reads and judges one. An error is one of the registry: it says
// nothing about the signature.
func (t tags) keylessLayer(k keyless, layer oci.Signature) (keylessClaim, error) {
	content, err := layer.Payload()
	if err != nil {
		_, answered := errors.AsType[*transport.Error](err)
		_, silent := errors.AsType[net.Error](err)
		if silent || answered && !notFound(err) {
			return keylessClaim{}, t.explain("signatures of "+t.ref.String(), err)
		}
		return keylessClaim{format: Legacy, flaw: oneLine(err.Error())}, nil
	}
	c := k.legacy(t.subject, layer, content)
	c.format = Legacy
	return c, nil
}

// legacy judges a signature under the tag: its annotations say the same as a
// bundle, and are made one.
func (k keyless) legacy(image *subject, layer oci.Signature, content []byte) keylessClaim {
	b, err := asBundle(layer, content)
	if err != nil {
		return keylessClaim{flaw: oneLine(err.Error())}
	}
	c := k.judge(b, verify.WithArtifact(bytes.NewReader(content)))
	if c.flaw != "" {
		return c
	}
	var simple payload.SimpleContainerImage
	if err := json.Unmarshal(content, &simple); err != nil {
		return keylessClaim{flaw: oneLine("its payload is not JSON: " + err.Error())}
	}
	if simple.Critical.Type != payload.CosignSignatureType {
		return keylessClaim{flaw: fmt.Sprintf("a payload of type %q", simple.Critical.Type)}
	}
	if got := simple.Critical.Image.DockerManifestDigest; got != image.ref.DigestStr() {
		return keylessClaim{flaw: fmt.Sprintf("about another image, %q", got)}
	}
	return c
}

// asBundle gives a layer's signature, certificate and log entry as a bundle of the
// first version, which has what cosign's annotations have.
func asBundle(layer oci.Signature, content []byte) (*sigstorebundle.Bundle, error) {
	encoded, err := layer.Base64Signature()
	if err != nil {
		return nil, err
	}
	signature, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("its signature is not base64: %w", err)
	}
	cert, err := layer.Cert()
	switch {
	case err != nil:
		return nil, fmt.Errorf("its certificate cannot be read: %w", err)
	case cert == nil:
		return nil, errors.New("signed by a key, not by an identity")
	}
	recorded, err := layer.Bundle()
	switch {
	case err != nil:
		return nil, fmt.Errorf("its entry of the transparency log cannot be read: %w", err)
	case recorded == nil:
		return nil, errors.New(flawNoEntry)
	}
	entry, err := logEntry(recorded)
	if err != nil {
		return nil, fmt.Errorf("its entry of the transparency log cannot be read: %w", err)
	}
	mediaType, err := sigstorebundle.MediaTypeString("0.1")
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	return sigstorebundle.NewBundle(&protobundle.Bundle{
		MediaType: mediaType,
		VerificationMaterial: &protobundle.VerificationMaterial{
			Content: &protobundle.VerificationMaterial_X509CertificateChain{X509CertificateChain: &protocommon.X509CertificateChain{
				Certificates: []*protocommon.X509Certificate{{RawBytes: cert.Raw}},
			}},
			TlogEntries: []*protorekor.TransparencyLogEntry{entry},
		},
		Content: &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
			MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: sum[:]},
			Signature:     signature,
		}},
	})
}

// logEntry gives an entry that cosign annotated, with the log's promise.
func logEntry(b *cosignbundle.RekorBundle) (*protorekor.TransparencyLogEntry, error) {
	encoded, ok := b.Payload.Body.(string)
	if !ok {
		return nil, errors.New("its body is not text")
	}
	body, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, err
	}
	logID, err := hex.DecodeString(b.Payload.LogID)
	if err != nil {
		return nil, err
	}
	var is struct {
		Kind       string `json:"kind"`
		APIVersion string `json:"apiVersion"`
	}
	if err := json.Unmarshal(body, &is); err != nil {
		return nil, err
	}
	return &protorekor.TransparencyLogEntry{
		LogIndex:          b.Payload.LogIndex,
		LogId:             &protocommon.LogId{KeyId: logID},
		KindVersion:       &protorekor.KindVersion{Kind: is.Kind, Version: is.APIVersion},
		IntegratedTime:    b.Payload.IntegratedTime,
		InclusionPromise:  &protorekor.InclusionPromise{SignedEntryTimestamp: b.SignedEntryTimestamp},
		CanonicalizedBody: body,
	}, nil
}
