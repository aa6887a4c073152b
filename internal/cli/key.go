package cli

import (
	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/internal/secret"
)

// KMS names a key in Vault's transit engine. It converts to sign.KMS.
type KMS struct {
	Name    string
	Address string
	Token   secret.Source
	Mount   string
}

// Add adds the flags.
func (k *KMS) Add(f *pflag.FlagSet) {
	f.StringVar(&k.Name, "kms", "", "key in Vault's transit engine, as hashivault://NAME; its CA is that of --ca-file or VAULT_CACERT")
	f.StringVar(&k.Address, "vault-address", "", "Vault's URL (default: VAULT_ADDR)")
	SecretFlags(f, &k.Token, "vault-token", "the Vault token (default: VAULT_TOKEN)")
	f.StringVar(&k.Mount, "vault-transit-mount", "", "where the transit engine is mounted (default: TRANSIT_SECRET_ENGINE_PATH, else transit)")
}

// Signing is the private key that signs, and the shape of what it writes.
type Signing struct {
	PEM      secret.Source
	Password secret.Source
	KMS      KMS
	Legacy   bool
	RekorURL string
}

// Add adds the flags.
func (s *Signing) Add(f *pflag.FlagSet) {
	SecretFlags(f, &s.PEM, "key", "the private key in PEM, as pave sign keygen or cosign made it")
	SecretFlags(f, &s.Password, "key-password", "the password of the private key (default: the empty password)")
	s.KMS.Add(f)
	f.BoolVar(&s.Legacy, "legacy", false, "write cosign's .sig and .att tags instead of bundles")
	f.StringVar(&s.RekorURL, "rekor-url", "", "transparency log (Rekor v1) that records each signature (default: none)")
}
