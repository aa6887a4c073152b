package gittest

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

// NoSecret fails the test if text holds secret, plain or in an encoding that
// hides it from the eye.
func NoSecret(t testing.TB, text, secret string) {
	t.Helper()
	for name, form := range map[string]string{
		"plain":     secret,
		"hex":       hex.EncodeToString([]byte(secret)),
		"base64":    strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="),
		"basicauth": base64.StdEncoding.EncodeToString([]byte("x-token-auth:" + secret)),
	} {
		if strings.Contains(text, form) {
			t.Errorf("a secret appears (%s) in:\n%s", name, text)
		}
	}
}
