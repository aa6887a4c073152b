package imagelist

import (
	"fmt"
	"regexp"
)

// maxIdentity is longer than any address of a workflow.
const maxIdentity = 1024

var issuerForm = regexp.MustCompile(`^https://[^\s/?#]+(/[^\s?#]*)?$`)

// Issuer is an OpenID provider.
type Issuer string

// Valid implements rule.
func (i Issuer) Valid() error {
	if len(i) > maxIdentity || !issuerForm.MatchString(string(i)) {
		return fmt.Errorf("%q is not an issuer: write its address, as in https://token.actions.githubusercontent.com", i)
	}
	return nil
}

var subjectForm = regexp.MustCompile(`^\S+$`)

// Subject is an identity as it is in a certificate.
type Subject string

// Valid implements rule.
func (s Subject) Valid() error {
	if len(s) > maxIdentity || !subjectForm.MatchString(string(s)) {
		return fmt.Errorf("%q is not an identity: write it as the certificate has it, as in https://github.com/example/tool/.github/workflows/release.yaml@refs/heads/main", s)
	}
	return nil
}

// Pattern is a regular expression in Go's syntax, for the whole of a Subject.
type Pattern string

// Valid implements rule.
func (p Pattern) Valid() error {
	if p == "" || len(p) > maxIdentity {
		return fmt.Errorf("has %d characters, 1 to %d are allowed", len(p), maxIdentity)
	}
	// Alone, so that it is whole, and as it is used.
	for _, expression := range []string{string(p), `\A(?:` + string(p) + `)\z`} {
		if _, err := regexp.Compile(expression); err != nil {
			return fmt.Errorf("%q is not a regular expression (https://pkg.go.dev/regexp/syntax): %w", p, err)
		}
	}
	return nil
}
