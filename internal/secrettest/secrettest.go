// Package secrettest looks for secrets where they must not be. It promises to find
// one that is there plain, in hex or in base64, whatever stands around it.
package secrettest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// Forms gives what to look for, by names that are safe to print.
func Forms(secret []byte) map[string][]byte {
	lower := hex.EncodeToString(secret)
	forms := map[string][]byte{"plain text": secret, "hex": []byte(lower), "upper-case hex": []byte(strings.ToUpper(lower))}
	for before := range 3 {
		forms[fmt.Sprintf("base64, %d bytes in", before)] = inBase64(base64.RawStdEncoding, secret, before)
		forms[fmt.Sprintf("base64url, %d bytes in", before)] = inBase64(base64.RawURLEncoding, secret, before)
	}
	return forms
}

// inBase64 is the part of secret's base64 that does not depend on what surrounds
// it, when the bytes before it are a multiple of three plus `before`.
func inBase64(e *base64.Encoding, secret []byte, before int) []byte {
	encoded := e.AppendEncode(nil, append(make([]byte, before), secret...))
	first := (before*8 + 5) / 6            // characters that hold a bit of what comes before
	last := (before + len(secret)) * 8 / 6 // whole characters
	return encoded[min(first, last):last]
}

// NotIn fails the test if one of the secrets, by name, is in what something said.
func NotIn(t testing.TB, something string, said []byte, secrets map[string][]byte) {
	t.Helper()
	flat := bytes.ReplaceAll(said, []byte("\n"), nil) // a PEM's lines are one
	for name, secret := range secrets {
		for form, written := range Forms(secret) {
			if bytes.Contains(said, written) || bytes.Contains(flat, written) {
				t.Errorf("%s shows the %s in %s:\n%.2000s", something, name, form, said)
			}
		}
	}
}
