package sign_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/sign"
)

func TestKeygenNeverOverwritesAKey(t *testing.T) {
	t.Parallel()
	for _, existing := range []string{sign.PrivateKeyFile, sign.PublicKeyFile} {
		dir := t.TempDir()
		path := filepath.Join(dir, existing)
		must(t, os.WriteFile(path, []byte("precious"), 0o600))
		_, err := sign.Keygen(t.Context(), sign.KeygenOptions{OutputDir: dir})
		refused(t, err, fault.Input, path, "never overwritten")
		if got := string(read(t, path)); got != "precious" {
			t.Errorf("%s is now %q", existing, got)
		}
		if files, _ := os.ReadDir(dir); len(files) != 1 {
			t.Errorf("%s: a refused keygen left %v", existing, files)
		}
	}
}

func TestThePrivateKeyIsForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	r, err := sign.Keygen(t.Context(), sign.KeygenOptions{OutputDir: filepath.Join(t.TempDir(), "new")})
	must(t, err)
	info, err := os.Stat(r.PrivateKey)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v", info.Mode())
	}
}

func TestEveryKindOfKeySigns(t *testing.T) {
	l := newLab(t, registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true}))
	t.Setenv("SIGN_TEST_PASSWORD", "pa55word")
	password := secret.Source{Env: "SIGN_TEST_PASSWORD"}

	encrypted, err := sign.Keygen(t.Context(), sign.KeygenOptions{OutputDir: t.TempDir(), Password: password})
	must(t, err)
	open, err := sign.Keygen(t.Context(), sign.KeygenOptions{OutputDir: t.TempDir()})
	must(t, err)
	plain, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	sec1, err := x509.MarshalECPrivateKey(plain)
	must(t, err)
	pkix, err := x509.MarshalPKIXPublicKey(&plain.PublicKey)
	must(t, err)
	t.Setenv("SIGN_TEST_KEY", string(read(t, encrypted.PrivateKey)))
	t.Setenv("SIGN_TEST_PUBLIC_KEY", string(read(t, encrypted.PublicKey)))

	for name, c := range map[string]struct {
		private sign.Key
		public  sign.PublicKey
	}{
		"an encrypted file": {
			sign.Key{PEM: secret.Source{File: encrypted.PrivateKey}, Password: password},
			sign.PublicKey{PEM: secret.Source{File: encrypted.PublicKey}},
		},
		"an environment variable": {
			sign.Key{PEM: secret.Source{Env: "SIGN_TEST_KEY"}, Password: password},
			sign.PublicKey{PEM: secret.Source{Env: "SIGN_TEST_PUBLIC_KEY"}},
		},
		"a file with the empty password": {
			sign.Key{PEM: secret.Source{File: open.PrivateKey}},
			sign.PublicKey{PEM: secret.Source{File: open.PublicKey}},
		},
		"a plain SEC 1 file": {
			sign.Key{PEM: secret.Source{File: file(t, encode("EC PRIVATE KEY", sec1))}},
			sign.PublicKey{PEM: secret.Source{File: file(t, encode("PUBLIC KEY", pkix))}},
		},
	} {
		l.digest = l.push(t, "project/app")
		l.private, l.public = c.private, c.public
		if _, err := sign.Image(t.Context(), l.target(sign.Bundle)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := sign.Verify(t.Context(), l.verification()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnusableKeysAreInputErrors(t *testing.T) {
	t.Setenv("SIGN_TEST_PASSWORD", "pa55word")
	t.Setenv("VAULT_ADDR", "")
	t.Setenv("VAULT_TOKEN", "")
	password := secret.Source{Env: "SIGN_TEST_PASSWORD"}
	wrong := secret.Source{File: file(t, "not it")}
	pair, err := sign.Keygen(t.Context(), sign.KeygenOptions{OutputDir: t.TempDir(), Password: password})
	must(t, err)
	encrypted := secret.Source{File: pair.PrivateKey}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	rsaDER, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	must(t, err)

	for name, c := range map[string]struct {
		key   sign.Key
		words string
	}{
		"none":                         {sign.Key{}, "no signing key is given; give --key-file"},
		"two":                          {sign.Key{PEM: encrypted, KMS: sign.KMS{Name: "hashivault://a"}}, "given twice"},
		"a missing file":               {sign.Key{PEM: secret.Source{File: "no-such-key"}}, "no-such-key"},
		"not PEM":                      {sign.Key{PEM: wrong}, "not PEM"},
		"a public key":                 {sign.Key{PEM: secret.Source{File: pair.PublicKey}}, `"PUBLIC KEY"`},
		"an RSA key":                   {sign.Key{PEM: secret.Source{File: file(t, encode("PRIVATE KEY", rsaDER))}}, "not ECDSA P-256"},
		"a damaged key":                {sign.Key{PEM: secret.Source{File: file(t, encode("PRIVATE KEY", rsaDER[:99]))}}, "damaged"},
		"no password":                  {sign.Key{PEM: encrypted}, "no password is given; give --key-password-file"},
		"the wrong password":           {sign.Key{PEM: encrypted, Password: wrong}, "the password is not its password"},
		"a KMS other than Vault":       {sign.Key{KMS: sign.KMS{Name: "awskms://alias"}}, "hashivault://NAME"},
		"Vault without an address":     {sign.Key{KMS: sign.KMS{Name: "hashivault://a"}}, "VAULT_ADDR"},
		"Vault without a token":        {sign.Key{KMS: sign.KMS{Name: "hashivault://a", Address: "https://127.0.0.1:1"}}, "VAULT_TOKEN"},
		"Vault in the clear, far away": {sign.Key{KMS: sign.KMS{Name: "hashivault://a", Address: "http://vault.example.com"}}, "in the clear"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sign.Image(t.Context(), sign.Target{Ref: "127.0.0.1:1/a/b@sha256:" + sum, Key: c.key})
			refused(t, err, fault.Input, c.words)
		})
	}
}
