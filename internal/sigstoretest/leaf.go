package sigstoretest

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net/url"
	"testing"

	ct "github.com/google/certificate-transparency-go"
	cttls "github.com/google/certificate-transparency-go/tls"
	"github.com/google/certificate-transparency-go/x509util"
)

// The extensions of https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md
// and of RFC 6962.
var (
	issuerExtension = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1}
	sctExtension    = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}
)

// leaf gives a certificate of ten minutes for the signer, as Fulcio does: with its
// identity, who vouched for it and the promise of the log of certificates.
func (s *Sigstore) leaf(t testing.TB, by Signature, key *ecdsa.PublicKey) *x509.Certificate {
	t.Helper()
	subject, err := url.Parse(by.Subject)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: by.At, NotAfter: by.At.Add(validity), URIs: []*url.URL{subject},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		ExtraExtensions: []pkix.Extension{{Id: issuerExtension, Value: []byte(by.Issuer)}},
	}
	unlogged := certificate(t, template, s.issuing, key, s.issuingKey)
	if by.NoSCT {
		return unlogged
	}
	template.ExtraExtensions = append(template.ExtraExtensions, s.promise(t, unlogged))
	return certificate(t, template, s.issuing, key, s.issuingKey)
}

// promise gives the log's signed timestamp of a certificate that lacks nothing but
// it: RFC 6962, section 3.3.
func (s *Sigstore) promise(t testing.TB, c *x509.Certificate) pkix.Extension {
	t.Helper()
	sct := ct.SignedCertificateTimestamp{SCTVersion: ct.V1, Timestamp: uint64(c.NotBefore.UnixMilli())}
	copy(sct.LogID.KeyID[:], keyID(t, &s.ct.PublicKey))
	signed, err := ct.SerializeSCTSignatureInput(sct, ct.LogEntry{Leaf: ct.MerkleTreeLeaf{TimestampedEntry: &ct.TimestampedEntry{
		Timestamp: sct.Timestamp, EntryType: ct.PrecertLogEntryType,
		PrecertEntry: &ct.PreCert{IssuerKeyHash: sha256.Sum256(s.issuing.RawSubjectPublicKeyInfo), TBSCertificate: c.RawTBSCertificate},
	}}})
	must(t, err)
	sum := sha256.Sum256(signed)
	signature, err := ecdsa.SignASN1(rand.Reader, s.ct, sum[:])
	must(t, err)
	sct.Signature = ct.DigitallySigned{
		Algorithm: cttls.SignatureAndHashAlgorithm{Hash: cttls.SHA256, Signature: cttls.ECDSA}, Signature: signature,
	}
	list, err := x509util.MarshalSCTsIntoSCTList([]*ct.SignedCertificateTimestamp{&sct})
	must(t, err)
	content, err := cttls.Marshal(*list)
	must(t, err)
	value, err := asn1.Marshal(content)
	must(t, err)
	return pkix.Extension{Id: sctExtension, Value: value}
}
