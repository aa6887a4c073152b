package sign

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"os"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/sigstore/pkg/cryptoutils"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/secret"
)

// PublicKey names the key that verifies: a PEM, or a key in Vault with all the
// versions that Vault still lets verify.
type PublicKey struct {
	PEM secret.Source
	KMS KMS
}

// keys are public keys, any of which may have signed: Vault keeps the older
// versions of a rotated key.
type keys []*ecdsa.PublicKey

// keys reads the public key. caFile holds the CA of Vault, if it is there.
func (p PublicKey) keys(ctx context.Context, caFile string) (keys, error) {
	switch {
	case p.KMS.Name != "" && !p.PEM.IsZero():
		return nil, fault.Inputf("a public key is given twice, as PEM and as %s", p.KMS.Name).Fix("give one of the two")
	case p.KMS.Name != "":
		t, err := p.KMS.open(ctx, caFile)
		if err != nil {
			return nil, err
		}
		return t.versions, nil
	case p.PEM.IsZero():
		return nil, fault.Inputf("no public key is given").Fix("give --public-key, --public-key-env or --kms hashivault://NAME")
	}
	encoded, err := p.read()
	if err != nil {
		return nil, err
	}
	key, err := cryptoutils.UnmarshalPEMToPublicKey(encoded)
	if err != nil {
		return nil, fault.Inputf("public key in %s: not a PEM public key", where(p.PEM)).Fix("give the cosign.pub that pave sign keygen wrote")
	}
	public, err := p256(key)
	if err != nil {
		return nil, err
	}
	return keys{public}, nil
}

// read does not call a public key a secret when it cannot be read.
func (p PublicKey) read() ([]byte, error) {
	if p.PEM.Env != "" {
		return p.PEM.Read()
	}
	encoded, err := os.ReadFile(p.PEM.File)
	if err != nil {
		return nil, fault.Inputf("public key: %w", err)
	}
	return encoded, nil
}

// verify tells whether one of the keys signed content.
func (k keys) verify(content, sig []byte) bool {
	digest := sha256.Sum256(content)
	for _, key := range k {
		if ecdsa.VerifyASN1(key, digest[:], sig) {
			return true
		}
	}
	return false
}

// signed tells whether one of the keys made one of the signatures of a DSSE
// envelope.
func (k keys) signed(envelopeType string, payload []byte, signatures [][]byte) bool {
	message := dsse.PAE(envelopeType, payload)
	for _, sig := range signatures {
		if k.verify(message, sig) {
			return true
		}
	}
	return false
}

// hinted tells whether a bundle's hint names one of the keys. The hint is not
// signed: it is good for words only.
func (k keys) hinted(hint string) bool {
	for _, key := range k {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			continue
		}
		sum := sha256.Sum256(der)
		if hint == base64.StdEncoding.EncodeToString(sum[:]) {
			return true
		}
	}
	return false
}
