package sigstoretest

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	cosignbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci/mutate"
	ociremote "github.com/sigstore/cosign/v2/pkg/oci/remote"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	rekor "github.com/sigstore/rekor/pkg/types"
	sigstorebundle "github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/tlog"
)

// validity is that of Fulcio's certificates.
const validity = 10 * time.Minute

// SignatureType is the predicate type of a signature in a bundle.
const SignatureType = "https://sigstore.dev/cosign/sign/v1"

// Signature is one to make. Without the optional fields it is as cosign makes it,
// an hour ago: the certificate has expired since.
type Signature struct {
	Image           name.Digest
	Issuer, Subject string
	Legacy          bool // cosign's .sig tag instead of a bundle

	About     string                      // digest that is signed; empty: the image's
	Type      string                      // predicate type of a bundle; empty: a signature
	At        time.Time                   // when the certificate starts; zero: an hour ago
	LoggedAt  time.Time                   // zero: a minute later
	NoEntry   bool                        // the log has none
	NoSCT     bool                        // the log of certificates has none
	Alter     func(payload []byte) []byte // after it was signed
	AsMessage bool                        // a bundle that signs the image's manifest instead of a statement
	Manifest  []byte                      // with AsMessage
}

// Sign signs and writes to the image's registry.
func (s *Sigstore) Sign(t testing.TB, sig Signature, options ...remote.Option) {
	t.Helper()
	if sig.About == "" {
		sig.About = sig.Image.DigestStr()
	}
	if sig.Type == "" {
		sig.Type = SignatureType
	}
	if sig.At.IsZero() {
		sig.At = time.Now().Add(-time.Hour).Truncate(time.Second)
	}
	if sig.LoggedAt.IsZero() {
		sig.LoggedAt = sig.At.Add(time.Minute)
	}
	if sig.Alter == nil {
		sig.Alter = func(payload []byte) []byte { return payload }
	}
	cosign := ociremote.WithRemoteOptions(options...)
	if !sig.Legacy {
		must(t, ociremote.WriteAttestationNewBundleFormat(sig.Image, s.bundle(t, sig), sig.Type, cosign))
		return
	}
	s.tag(t, sig, cosign)
}

// tag adds a layer to cosign's .sig tag.
func (s *Sigstore) tag(t testing.TB, sig Signature, cosign ociremote.Option) {
	t.Helper()
	payload := fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":%q},"image":{"docker-manifest-digest":%q},"type":"cosign container image signature"},"optional":null}`,
		sig.Image.Context().Name(), sig.About)
	key := newKey(t)
	cert := s.leaf(t, sig, &key.PublicKey)
	signature := signed(t, key, payload)
	sum := sha256.Sum256(payload)
	var recorded *cosignbundle.RekorBundle
	if !sig.NoEntry {
		entry := s.entry(t, "hashedrekord", rekor.ArtifactProperties{ArtifactHash: hex.EncodeToString(sum[:]), SignatureBytes: signature, PublicKeyBytes: [][]byte{encode(cert)}}, sig.LoggedAt)
		recorded = &cosignbundle.RekorBundle{SignedEntryTimestamp: entry.GetInclusionPromise().GetSignedEntryTimestamp(), Payload: cosignbundle.RekorPayload{
			Body: base64.StdEncoding.EncodeToString(entry.GetCanonicalizedBody()), IntegratedTime: entry.GetIntegratedTime(),
			LogIndex: entry.GetLogIndex(), LogID: hex.EncodeToString(entry.GetLogId().GetKeyId()),
		}}
	}
	layer, err := static.NewSignature(sig.Alter(payload), base64.StdEncoding.EncodeToString(signature),
		static.WithCertChain(encode(cert), append(encode(s.issuing), encode(s.root)...)), static.WithBundle(recorded))
	must(t, err)
	entity, err := mutate.AttachSignatureToEntity(ociremote.SignedUnknown(sig.Image, cosign), layer)
	must(t, err)
	must(t, ociremote.WriteSignatures(sig.Image.Repository, entity, cosign))
}

// bundle gives a bundle of version 0.3.
func (s *Sigstore) bundle(t testing.TB, sig Signature) []byte {
	t.Helper()
	key := newKey(t)
	cert := s.leaf(t, sig, &key.PublicKey)
	mediaType, err := sigstorebundle.MediaTypeString("0.3")
	must(t, err)
	b := &protobundle.Bundle{MediaType: mediaType, VerificationMaterial: &protobundle.VerificationMaterial{
		Content: &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{RawBytes: cert.Raw}},
	}}
	var kind string
	recorded := rekor.ArtifactProperties{PublicKeyBytes: [][]byte{encode(cert)}}
	if sig.AsMessage {
		kind = "hashedrekord"
		sum := sha256.Sum256(sig.Manifest)
		recorded.ArtifactHash, recorded.SignatureBytes = hex.EncodeToString(sum[:]), signed(t, key, sig.Manifest)
		b.Content = &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
			MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: sum[:]}, Signature: recorded.SignatureBytes,
		}}
	} else {
		kind = "dsse"
		const payloadType = "application/vnd.in-toto+json"
		payload := fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],"predicateType":%q,"predicate":{}}`, sig.About[len("sha256:"):], sig.Type)
		signature := signed(t, key, dsse.PAE(payloadType, payload))
		recorded.ArtifactBytes, err = json.Marshal(dsse.Envelope{PayloadType: payloadType, Payload: base64.StdEncoding.EncodeToString(payload),
			Signatures: []dsse.Signature{{Sig: base64.StdEncoding.EncodeToString(signature)}}})
		must(t, err)
		b.Content = &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
			PayloadType: payloadType, Payload: sig.Alter(payload), Signatures: []*protodsse.Signature{{Sig: signature}},
		}}
	}
	if !sig.NoEntry {
		b.VerificationMaterial.TlogEntries = []*protorekor.TransparencyLogEntry{s.entry(t, kind, recorded, sig.LoggedAt)}
	}
	whole, err := sigstorebundle.NewBundle(b)
	must(t, err)
	raw, err := whole.MarshalJSON()
	must(t, err)
	return raw
}

// entry records a signature: a tree of one leaf, with the log's promise and proof.
func (s *Sigstore) entry(t testing.TB, kind string, of rekor.ArtifactProperties, at time.Time) *protorekor.TransparencyLogEntry {
	t.Helper()
	const version = "0.0.1"
	of.PKIFormat = "x509"
	proposed, err := rekor.NewProposedEntry(t.Context(), kind, version, of)
	must(t, err)
	implemented, err := rekor.CreateVersionedEntry(proposed)
	must(t, err)
	body, err := rekor.CanonicalizeEntry(t.Context(), implemented)
	must(t, err)
	logID, err := s.rekor.RekorLogID()
	must(t, err)
	id, err := hex.DecodeString(logID)
	must(t, err)
	promise, err := s.rekor.RekorSignPayload(tlog.RekorPayload{Body: base64.StdEncoding.EncodeToString(body), IntegratedTime: at.Unix(), LogID: logID})
	must(t, err)
	proof, err := s.rekor.GetInclusionProof(body)
	must(t, err)
	rootHash, err := hex.DecodeString(*proof.RootHash)
	must(t, err)
	return &protorekor.TransparencyLogEntry{
		LogId: &protocommon.LogId{KeyId: id}, KindVersion: &protorekor.KindVersion{Kind: kind, Version: version}, IntegratedTime: at.Unix(),
		InclusionPromise: &protorekor.InclusionPromise{SignedEntryTimestamp: promise}, CanonicalizedBody: body,
		InclusionProof: &protorekor.InclusionProof{
			RootHash: rootHash, TreeSize: *proof.TreeSize, Checkpoint: &protorekor.Checkpoint{Envelope: *proof.Checkpoint},
		},
	}
}

func signed(t testing.TB, key *ecdsa.PrivateKey, content []byte) []byte {
	t.Helper()
	sum := sha256.Sum256(content)
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	must(t, err)
	return signature
}

func encode(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
