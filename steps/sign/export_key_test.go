package sign_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pave-platform/pave/internal/secret"
	"github.com/pave-platform/pave/steps/sign"
)

func TestThePublicHalfOfAKeyIsTheOneThatKeygenWrote(t *testing.T) {
	dir := t.TempDir()
	password := secret.Source{File: file(t, "s3cret")}
	if _, err := sign.Keygen(t.Context(), sign.KeygenOptions{OutputDir: dir, Password: password}); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(dir, "cosign.pub"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := sign.WritePublicKey(t.Context(), sign.PublicKeyOptions{
		Key:    sign.Key{PEM: secret.Source{File: filepath.Join(dir, "cosign.key")}, Password: password},
		Output: filepath.Join(dir, "new", "derived.pub"),
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(r.Path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) || r.PEM != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
