package secrettest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/secrettest"
)

func TestASecretIsFoundInEveryForm(t *testing.T) {
	secret := []byte("Canary\xff\xfe" + "MFRGGZDFMZTWQ2LK")
	holds := func(said string) bool {
		for _, written := range secrettest.Forms(secret) {
			if strings.Contains(said, string(written)) {
				return true
			}
		}
		return false
	}
	for name, form := range map[string]func([]byte) string{
		"plain":          func(b []byte) string { return string(b) },
		"hex":            hex.EncodeToString,
		"upper-case hex": func(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) },
		"base64":         base64.StdEncoding.EncodeToString,
		"base64url":      base64.RawURLEncoding.EncodeToString,
	} {
		for before := range 6 {
			around := append(bytes.Repeat([]byte("x"), before), secret...)
			said := form(append(around, "and what comes after"[:before]...))
			if !holds(said) {
				t.Errorf("%s after %d bytes is not found", name, before)
			}
			if holds(said[:len(said)/2]) {
				t.Errorf("half of %s after %d bytes is taken for the whole", name, before)
			}
		}
	}
}
