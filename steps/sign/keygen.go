package sign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sigstore/cosign/v2/pkg/cosign"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/secret"
)

// The names of a key pair's files, as cosign calls them.
const (
	PrivateKeyFile = "cosign.key"
	PublicKeyFile  = "cosign.pub"
)

// KeygenOptions say where a key pair goes.
type KeygenOptions struct {
	OutputDir string        // made if it does not exist
	Password  secret.Source // encrypts the private key; absent: the empty password, as cosign has it
}

// KeygenResult names the files of a key pair.
type KeygenResult struct {
	PrivateKey string `json:"privateKey"`
	PublicKey  string `json:"publicKey"`
}

// Summary writes the result for a person.
func (r KeygenResult) Summary(w io.Writer) {
	fmt.Fprintf(w, "private key  %s (keep it secret)\npublic key   %s\n", r.PrivateKey, r.PublicKey)
}

// Keygen makes an ECDSA P-256 key pair in cosign's format. It never overwrites
// a key.
func Keygen(_ context.Context, o KeygenOptions) (KeygenResult, error) {
	r := KeygenResult{
		PrivateKey: filepath.Join(o.OutputDir, PrivateKeyFile),
		PublicKey:  filepath.Join(o.OutputDir, PublicKeyFile),
	}
	password, err := o.Password.Read()
	if err != nil {
		return KeygenResult{}, err
	}
	for _, path := range []string{r.PrivateKey, r.PublicKey} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return KeygenResult{}, overwriting(path)
		}
	}
	pair, err := cosign.GenerateKeyPair(func(bool) ([]byte, error) { return password, nil })
	if err != nil {
		return KeygenResult{}, fault.Failedf("make a key pair: %w", err)
	}
	if err := os.MkdirAll(o.OutputDir, 0o755); err != nil {
		return KeygenResult{}, fault.Inputf("output folder: %w", err)
	}
	if err := create(r.PrivateKey, pair.PrivateBytes, 0o600); err != nil {
		return KeygenResult{}, err
	}
	if err := create(r.PublicKey, pair.PublicBytes, 0o644); err != nil {
		return KeygenResult{}, errors.Join(err, os.Remove(r.PrivateKey))
	}
	return r, nil
}

func overwriting(path string) error {
	return fault.Inputf("%s exists, and a key is never overwritten", path).Fix("move it away, or choose another folder")
}

// create writes a new file, whole or not at all.
func create(path string, content []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return overwriting(path)
	}
	if err != nil {
		return fault.Inputf("key file: %w", err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		return fault.Failedf("key file: %w", errors.Join(err, os.Remove(path)))
	}
	return nil
}
