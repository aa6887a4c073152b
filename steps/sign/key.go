package sign

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"

	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/secret"
)

// Key names the private key that signs: a PEM (cosign's encrypted format, or
// plain PKCS #8 or SEC 1) or a key in Vault that never leaves it. Keys are ECDSA
// P-256, which is what cosign makes.
type Key struct {
	PEM      secret.Source
	Password secret.Source // of an encrypted PEM; absent: the empty password
	KMS      KMS
}

// signer signs, and knows its public key.
type signer struct {
	signature.Signer
	public *ecdsa.PublicKey
	pem    []byte // the public key
}

// keys gives what verifies this signer's own signatures.
func (s *signer) keys() keys { return keys{s.public} }

func newSigner(s signature.Signer) (*signer, error) {
	key, err := s.PublicKey()
	if err != nil {
		return nil, err
	}
	public, err := p256(key)
	if err != nil {
		return nil, err
	}
	encoded, err := cryptoutils.MarshalPublicKeyToPEM(public)
	if err != nil {
		return nil, err
	}
	return &signer{s, public, encoded}, nil
}

func p256(key crypto.PublicKey) (*ecdsa.PublicKey, error) {
	if k, ok := key.(*ecdsa.PublicKey); ok && k.Curve == elliptic.P256() {
		return k, nil
	}
	return nil, fault.Inputf("the key is not ECDSA P-256 but %T", key).Fix("make one with pave sign keygen, or in Vault with type ecdsa-p256")
}

// signer reads the key. caFile holds the CA of Vault, if it is there.
func (k Key) signer(ctx context.Context, caFile string) (*signer, error) {
	switch {
	case k.KMS.Name != "" && !k.PEM.IsZero():
		return nil, fault.Inputf("a signing key is given twice, as PEM and as %s", k.KMS.Name).Fix("give one of the two")
	case k.KMS.Name != "":
		t, err := k.KMS.open(ctx, caFile)
		if err != nil {
			return nil, err
		}
		return newSigner(t)
	case k.PEM.IsZero():
		return nil, fault.Inputf("no signing key is given").Fix("give --key-file, --key-env or --kms hashivault://NAME")
	}
	encoded, err := k.PEM.Read()
	if err != nil {
		return nil, err
	}
	password, err := k.Password.Read()
	if err != nil {
		return nil, err
	}
	s, err := k.decode(encoded, password)
	if err != nil {
		return nil, err
	}
	return newSigner(s)
}

func (k Key) where() string { return "private key in " + where(k.PEM) }

func where(s secret.Source) string {
	if s.File != "" {
		return s.File
	}
	return "environment variable " + s.Env
}

// decode gives a signer with the private key. Its errors are our own words:
// those of the parsers may quote what they read.
func (k Key) decode(encoded, password []byte) (signature.Signer, error) {
	block, _ := pem.Decode(encoded)
	if block == nil {
		return nil, fault.Inputf("%s: not PEM", k.where()).Fix("make a key with pave sign keygen")
	}
	var key any
	var err error
	switch block.Type {
	case cosign.CosignPrivateKeyPemType, cosign.SigstorePrivateKeyPemType:
		return k.decrypt(encoded, password)
	case cosign.ECPrivateKeyPemType:
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case cosign.PrivateKeyPemType:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return nil, fault.Inputf("%s: PEM of type %q, not a private key that can sign", k.where(), block.Type).Fix("make a key with pave sign keygen")
	}
	if err != nil {
		return nil, fault.Inputf("%s: damaged", k.where()).Fix("restore the key, or make one with pave sign keygen")
	}
	s, err := signature.LoadSigner(key, crypto.SHA256)
	if err != nil {
		return nil, fault.Inputf("%s: a %T cannot sign", k.where(), key).Fix("make a key with pave sign keygen")
	}
	return s, nil
}

func (k Key) decrypt(encoded, password []byte) (signature.Signer, error) {
	s, err := cosign.LoadPrivateKey(encoded, password, nil)
	if err == nil {
		return s, nil
	}
	if k.Password.IsZero() {
		return nil, fault.Inputf("%s: encrypted, and no password is given", k.where()).Fix("give --key-password-file or --key-password-env")
	}
	return nil, fault.Inputf("%s: damaged, or the password is not its password", k.where()).Fix("check --key-password-file or --key-password-env")
}
