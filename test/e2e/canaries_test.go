package e2e

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"

	"github.com/pave-platform/pave/internal/secrettest"
)

// canaries finds secrets, plain and in the encodings that hide them from the eye.
type canaries struct {
	forms map[string][]byte // what to look for, by a name that is safe to print
}

// watch adds a secret.
func (c *canaries) watch(name string, secret []byte) {
	if c.forms == nil {
		c.forms = map[string][]byte{}
	}
	for form, written := range secrettest.Forms(secret) {
		c.forms[name+" ("+form+")"] = written
	}
}

// watchKey adds a private key as cosign writes it: the encrypted PEM, and the number that
// it keeps secret.
func (c *canaries) watchKey(file, password string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return fmt.Errorf("%s is not PEM", file)
	}
	der, err := encrypted.Decrypt(block.Bytes, []byte(password))
	if err != nil {
		return err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return err
	}
	number, err := key.(*ecdsa.PrivateKey).Bytes()
	c.watch("the signing key", number)
	c.watch("the signing key's PEM", bytes.Split(content, []byte("\n"))[1])
	return err
}

// in names the secrets in content, which may be compressed.
func (c *canaries) in(content []byte) (found []string) {
	for name, form := range c.forms {
		if bytes.Contains(content, form) {
			found = append(found, name)
		}
	}
	if inflated, ok := inflate(content); ok {
		return append(found, c.in(inflated)...)
	}
	return found
}

// inflate gives what gzip compressed, as far as it is whole.
func inflate(content []byte) ([]byte, bool) {
	r, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, false
	}
	inflated, _ := io.ReadAll(r)
	return inflated, true
}

// inFolder names the secrets in the files of a folder, and how many files it read.
func (c *canaries) inFolder(dir string) (found []string, files int, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, name := range c.in(content) {
			found = append(found, path+": "+name)
		}
		files++
		return err
	})
	return found, files, err
}

// noCanary fails the test if the platform's secrets are in what a command said.
func noCanary(t *testing.T, command string, said ...[]byte) {
	t.Helper()
	for _, content := range said {
		for _, name := range platform.canaries.in(content) {
			t.Errorf("%s says a secret: %s", command, name)
		}
	}
}

func TestCanariesAreFoundInEveryDisguise(t *testing.T) {
	t.Parallel()
	secret := []byte("Canary\xff\xfe" + "MFRGGZDFMZTWQ2LK")
	var c canaries
	c.watch("secret", secret)
	for name, disguise := range map[string]func([]byte) []byte{
		"plain":          func(b []byte) []byte { return b },
		"hex":            func(b []byte) []byte { return []byte(hex.EncodeToString(b)) },
		"upper-case hex": func(b []byte) []byte { return []byte(strings.ToUpper(hex.EncodeToString(b))) },
		"base64":         func(b []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(b)) },
		"base64url":      func(b []byte) []byte { return []byte(base64.RawURLEncoding.EncodeToString(b)) },
		"gzip":           compressed,
		"gzip of base64": func(b []byte) []byte { return compressed([]byte(base64.StdEncoding.EncodeToString(b))) },
	} {
		for before := range 6 {
			around := append(bytes.Repeat([]byte("x"), before), secret...)
			content := disguise(append(around, "and what comes after"[:before]...))
			if len(c.in(content)) == 0 {
				t.Errorf("%s after %d bytes is not found", name, before)
			}
			if len(c.in(content[:len(content)/2])) != 0 {
				t.Errorf("half of %s after %d bytes is taken for the whole", name, before)
			}
		}
	}

	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "blobs", "sha256", "layer"), compressed(secret), 0o600))
	if found, files, err := c.inFolder(dir); err != nil || files != 1 || len(found) == 0 {
		t.Errorf("found %q in %d files of the folder: %v", found, files, err)
	}
}

func compressed(content []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(content)
	_ = w.Close()
	return out.Bytes()
}
