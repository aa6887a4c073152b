package gittest

import (
	"testing"

	"github.com/pave-platform/pave/internal/secrettest"
)

// NoSecret fails the test if text holds secret, plain or in an encoding that
// hides it from the eye.
func NoSecret(t testing.TB, text, secret string) {
	t.Helper()
	secrettest.NotIn(t, "the text", []byte(text), map[string][]byte{"secret": []byte(secret)})
}
