// Package sigstoretest is a Sigstore for tests: a certificate authority, a log of
// certificates and a log of signatures, each with its own key, and the trusted
// root with their public halves. It promises that what it signs is what cosign
// writes to a registry, in both layouts, made by Sigstore's own types; only the
// servers that would answer for it are left out. Nothing reaches a network but
// the registry that is written to.
package sigstoretest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
)

// Sigstore signs for whoever is named.
type Sigstore struct {
	rekor                *ca.VirtualSigstore // its log; its certificates are never expired, so they are not used
	ct                   *ecdsa.PrivateKey
	root, issuing        *x509.Certificate
	issuingKey           *ecdsa.PrivateKey
	validFrom, validTill time.Time
}

// New makes a Sigstore that has been there for two hours.
func New(t testing.TB) *Sigstore {
	t.Helper()
	log, err := ca.NewVirtualSigstore()
	must(t, err)
	s := &Sigstore{rekor: log, ct: newKey(t), validFrom: time.Now().Add(-2 * time.Hour), validTill: time.Now().Add(time.Hour)}
	s.certify(t)
	return s
}

// WithAnotherCA gives a Sigstore with the same logs, whose certificates are of a CA
// that the trusted root of s does not know.
func (s *Sigstore) WithAnotherCA(t testing.TB) *Sigstore {
	t.Helper()
	other := *s
	other.certify(t)
	return &other
}

// certify makes a root and an issuing CA.
func (s *Sigstore) certify(t testing.TB) {
	t.Helper()
	template := func(name string, usage ...x509.ExtKeyUsage) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Organization: []string{"sigstore.example"}},
			NotBefore: s.validFrom, NotAfter: s.validTill, KeyUsage: x509.KeyUsageCertSign,
			ExtKeyUsage: usage, BasicConstraintsValid: true, IsCA: true,
		}
	}
	key := newKey(t)
	anchor := template("root")
	s.root = certificate(t, anchor, anchor, &key.PublicKey, key)
	s.issuingKey = newKey(t)
	s.issuing = certificate(t, template("issuing", x509.ExtKeyUsageCodeSigning), s.root, &s.issuingKey.PublicKey, key)
}

// TrustedRoot writes the trusted root to a file, in Sigstore's own form.
func (s *Sigstore) TrustedRoot(t testing.TB) string {
	t.Helper()
	log := func(key crypto.PublicKey) map[string]*root.TransparencyLog {
		id := keyID(t, key)
		return map[string]*root.TransparencyLog{hex.EncodeToString(id): {
			BaseURL: "https://log.sigstore.example", ID: id, ValidityPeriodStart: s.validFrom, ValidityPeriodEnd: s.validTill,
			HashFunc: crypto.SHA256, PublicKey: key, SignatureHashFunc: crypto.SHA256,
		}}
	}
	var rekor crypto.PublicKey
	for _, l := range s.rekor.RekorLogs() {
		rekor = l.PublicKey
	}
	trusted, err := root.NewTrustedRoot(root.TrustedRootMediaType01, []root.CertificateAuthority{&root.FulcioCertificateAuthority{
		Root: s.root, Intermediates: []*x509.Certificate{s.issuing}, URI: "https://ca.sigstore.example",
		ValidityPeriodStart: s.validFrom, ValidityPeriodEnd: s.validTill,
	}}, log(&s.ct.PublicKey), nil, log(rekor))
	must(t, err)
	b, err := trusted.MarshalJSON()
	must(t, err)
	path := filepath.Join(t.TempDir(), "trusted_root.json")
	must(t, os.WriteFile(path, b, 0o600))
	return path
}

// keyID names a log: RFC 6962, section 3.2.
func keyID(t testing.TB, key crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	must(t, err)
	sum := sha256.Sum256(der)
	return sum[:]
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

func certificate(t testing.TB, template, parent *x509.Certificate, of *ecdsa.PublicKey, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, of, by)
	must(t, err)
	c, err := x509.ParseCertificate(der)
	must(t, err)
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
