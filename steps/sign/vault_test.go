package sign_test

import (
	"strings"
	"testing"

	vault "github.com/hashicorp/vault/api"

	"github.com/pave-platform/pave/hack/lab/vaulttest"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/sign"
)

// signerPolicy is all that a pipeline's token needs.
const signerPolicy = `
path "transit/keys/pave"   { capabilities = ["read"] }
path "transit/sign/pave/*" { capabilities = ["update"] }
`

// unsealed starts a Vault with a transit key called pave.
func unsealed(t *testing.T) *vaulttest.Server {
	t.Helper()
	v := vaulttest.Start(t)
	v.Unseal(t)
	must(t, v.Client.Sys().MountWithContext(t.Context(), "transit", &vault.MountInput{Type: "transit"}))
	write(t, v, "transit/keys/pave", map[string]any{"type": "ecdsa-p256"})
	return v
}

func write(t *testing.T, v *vaulttest.Server, path string, data map[string]any) {
	t.Helper()
	_, err := v.Client.Logical().WriteWithContext(t.Context(), path, data)
	must(t, err)
}

// vaultLab is a lab whose key is in Vault, with a token that may do what policy
// says. The registry is behind the same CA.
func vaultLab(t *testing.T, v *vaulttest.Server, policy string) *lab {
	t.Helper()
	l := newLab(t, registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true}))
	l.CAFile = v.CAFile
	kms := sign.KMS{
		Name:    "hashivault://pave",
		Address: v.Address,
		Token:   secret.Source{File: file(t, v.Token(t, "signer", policy)+"\n")},
	}
	l.private, l.public = sign.Key{KMS: kms}, sign.PublicKey{KMS: kms}
	return l
}

func TestAKeyInVaultSignsAndVerifies(t *testing.T) {
	v := unsealed(t)
	for _, format := range []sign.Format{sign.Bundle, sign.Legacy} {
		t.Run(string(format), func(t *testing.T) {
			l := vaultLab(t, v, signerPolicy)
			predicates := facts(t)
			l.sign(t, format, predicates)
			before := l.manifests(t)
			l.sign(t, format, predicates)
			if after := l.manifests(t); after != before {
				t.Errorf("the second run left %d manifests, the first %d", after, before)
			}
			_, err := sign.Verify(t.Context(), l.verification(allTypes...))
			must(t, err)

			// Whoever has the public key needs no Vault.
			answer, err := v.Client.Logical().ReadWithContext(t.Context(), "transit/keys/pave")
			must(t, err)
			public := answer.Data["keys"].(map[string]any)["1"].(map[string]any)["public_key"].(string)
			l.public = sign.PublicKey{PEM: secret.Source{File: file(t, public)}}
			_, err = sign.Verify(t.Context(), l.verification(allTypes...))
			must(t, err)
		})
	}
	t.Run("with cosign's environment variables", func(t *testing.T) {
		l := vaultLab(t, v, signerPolicy)
		t.Setenv("VAULT_ADDR", v.Address)
		t.Setenv("VAULT_TOKEN", string(read(t, l.private.KMS.Token.File)))
		t.Setenv("VAULT_CACERT", v.CAFile)
		l.CAFile = ""
		l.private = sign.Key{KMS: sign.KMS{Name: "hashivault://pave"}}
		l.public = sign.PublicKey{KMS: l.private.KMS}
		l.sign(t, sign.Bundle, nil)
		_, err := sign.Verify(t.Context(), l.verification())
		must(t, err)
	})
	t.Run("after a rotation, until Vault forgets the old version", func(t *testing.T) {
		l := vaultLab(t, v, signerPolicy)
		l.sign(t, sign.Bundle, nil)
		write(t, v, "transit/keys/pave/rotate", nil)
		_, err := sign.Verify(t.Context(), l.verification())
		must(t, err)
		write(t, v, "transit/keys/pave/config", map[string]any{"min_decryption_version": 2})
		_, err = sign.Verify(t.Context(), l.verification())
		refused(t, err, fault.Gate, "no signature by this key")
		if r, _ := l.sign(t, sign.Bundle, nil); !r.Signed {
			t.Error("the new version does not sign beside the old one")
		}
		_, err = sign.Verify(t.Context(), l.verification())
		must(t, err)
	})
}

func TestVaultTroubleSaysWhatToDo(t *testing.T) {
	t.Setenv("VAULT_MAX_RETRIES", "0")
	v := unsealed(t)
	write(t, v, "transit/keys/rsa", map[string]any{"type": "rsa-2048"})
	for name, c := range map[string]struct {
		policy string
		spoil  func(l *lab, k *sign.KMS)
		kind   fault.Kind
		words  []string
	}{
		"a token that may not read the key": {
			`path "transit/sign/pave/*" { capabilities = ["update"] }`, nil,
			fault.Failed, []string{"403", "read on transit/keys/pave"},
		},
		"a token that may not sign": {
			`path "transit/keys/pave" { capabilities = ["read"] }`, nil,
			fault.Failed, []string{"403", "update on transit/sign/pave"},
		},
		"a key that is not there": {
			`path "transit/keys/*" { capabilities = ["read"] }`, func(_ *lab, k *sign.KMS) { k.Name = "hashivault://nobody" },
			fault.Input, []string{"no such key", "type=ecdsa-p256"},
		},
		"a key of another type": {
			`path "transit/keys/*" { capabilities = ["read"] }`, func(_ *lab, k *sign.KMS) { k.Name = "hashivault://rsa" },
			fault.Input, []string{"rsa-2048", "use one of type ecdsa-p256"},
		},
		"an unknown authority": {
			signerPolicy, func(l *lab, _ *sign.KMS) { l.CAFile = "" },
			fault.Failed, []string{"unknown authority", "--ca-file or VAULT_CACERT"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := vaultLab(t, v, c.policy)
			if c.spoil != nil {
				c.spoil(l, &l.private.KMS)
			}
			token := strings.TrimSpace(string(read(t, l.private.KMS.Token.File)))
			_, err := sign.Image(t.Context(), l.target(sign.Bundle))
			refused(t, err, c.kind, c.words...)
			if err != nil && strings.Contains(err.Error(), token) {
				t.Errorf("the error shows the token: %v", err)
			}
			if n := l.manifests(t); n != 0 {
				t.Errorf("it left %d manifests", n)
			}
		})
	}
	t.Run("a sealed Vault", func(t *testing.T) {
		l := vaultLab(t, v, signerPolicy)
		must(t, v.Client.Sys().SealWithContext(t.Context()))
		_, err := sign.Image(t.Context(), l.target(sign.Bundle))
		refused(t, err, fault.Failed, "sealed", "unseal it")
	})
}
