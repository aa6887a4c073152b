package imagelist

import (
	"fmt"
	"regexp"
	"time"

	"github.com/pave-platform/pave/internal/yamlfile"
)

// LockKind tells the lock from other files of the platform.
type LockKind string

func (LockKind) choices() []string { return []string{"ImageLock"} }

// Valid implements rule.
func (k LockKind) Valid() error { return yamlfile.Among(k, k.choices()) }

// Signed says what became of the publisher's signature.
type Signed string

// What the lock says of a signature.
const (
	Verified   Signed = "verified"
	Unverified Signed = "unverified" // and approved nevertheless, with a reason
)

// Valid implements rule.
func (s Signed) Valid() error {
	return yamlfile.Among(s, []string{string(Verified), string(Unverified)})
}

var mediaTypeForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*$`)

// MediaType is that of a manifest.
type MediaType string

// Valid implements rule.
func (m MediaType) Valid() error {
	if !mediaTypeForm.MatchString(string(m)) {
		return fmt.Errorf("%q is not a media type", m)
	}
	return nil
}

// Bytes is a size.
type Bytes int

// Valid implements rule.
func (b Bytes) Valid() error {
	if b < 0 {
		return fmt.Errorf("%d is below 0", b)
	}
	return nil
}

// Time is a point in time, RFC 3339 in UTC.
type Time string

// Valid implements rule.
func (t Time) Valid() error {
	if _, err := time.Parse(time.RFC3339, string(t)); err != nil {
		return fmt.Errorf("%q is not a time: write it as in 2026-01-31T12:00:00Z", t)
	}
	return nil
}
