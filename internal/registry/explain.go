package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pave-platform/pave/internal/fault"
)

// Explain turns an error of a registry call into one line that names the
// registry, the cause and the remedy.
func Explain(what string, reg name.Registry, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", what, err)
	}
	host := reg.RegistryStr()
	// Certificates come first: a client that then tried plain http brings
	// that refusal along.
	if e := explainCertificate(what, host, err); e != nil {
		return e
	}
	if e := explainAnswer(what, host, err); e != nil {
		return e
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fault.Failedf("%s: %s refuses connections", what, host).Fix("check the address and that the registry runs")
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return fault.Failedf("%s: %s cannot be resolved", what, dns.Name).Fix("check the registry's name")
	}
	if known, ok := errors.AsType[*fault.Error](err); ok {
		return &fault.Error{Kind: known.Kind, Err: fmt.Errorf("%s: %w", what, known.Err), Remedy: known.Remedy}
	}
	return fault.Failedf("%s: %w", what, err)
}

func explainCertificate(what, host string, err error) error {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fault.Failedf("%s: %s shows a certificate by an unknown authority", what, host).Fix("give the platform's root CA with --ca-file")
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fault.Failedf("%s: %s shows a certificate that does not hold: %w", what, host, bad.Err).Fix("renew the registry's certificate, for the name that it is called by")
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return noTLS(host, what+": ")
	}
	return nil
}

func explainAnswer(what, host string, err error) error {
	answer, ok := errors.AsType[*transport.Error](err)
	if !ok {
		return nil
	}
	says := func(format, remedy string) error {
		return &fault.Error{Kind: fault.Failed, Err: said{fmt.Sprintf(format, what, host), answer}, Remedy: remedy}
	}
	switch answer.StatusCode {
	case http.StatusUnauthorized:
		return says("%s: %s refused the credentials (401)", "check --registry-username and the password")
	case http.StatusForbidden:
		return says("%s: %s allows this account no access (403)", "give the account the rights on the project")
	case http.StatusNotFound:
		return says("%s: %s has no such image or repository (404)", "check the reference")
	}
	return nil
}

// said is an answer in our words: the answer itself stays in the chain.
type said struct {
	words string
	error
}

// Error implements error.
func (s said) Error() string { return s.words }

// Unwrap gives the answer.
func (s said) Unwrap() error { return s.error }

func noTLS(host, prefix string) *fault.Error {
	return fault.Failedf("%s%s does not speak https", prefix, host).Fix("give the registry a certificate, and its CA with --ca-file")
}
