package gitrepo

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/pave-platform/pave/internal/fault"
)

// retryable is an error that another attempt may not meet.
type retryable struct{ cause error }

func (e *retryable) Error() string { return e.cause.Error() }
func (e *retryable) Unwrap() error { return e.cause }

// unanswered is a push whose answer did not arrive.
type unanswered struct{ cause error }

func (e *unanswered) Error() string {
	return "the connection broke during the push: " + e.cause.Error()
}
func (e *unanswered) Unwrap() error { return e.cause }

// own is an error of the caller's function, to be returned as it is.
type own struct{ error }

// reading is a failure to get a file from the server, met in the caller's
// function and not its fault.
type reading struct{ cause error }

func (e *reading) Error() string { return e.cause.Error() }
func (e *reading) Unwrap() error { return e.cause }

// ofChange sorts an error of the caller's function.
func ofChange(err error) error {
	var r *reading
	switch {
	case err == nil:
		return nil
	case errors.As(err, &r):
		return transient(r.cause)
	}
	return &own{err}
}

// transient marks the errors of a busy server or a shaky network as retryable.
func transient(err error) error {
	if definite(err) {
		return err
	}
	cause := peel(err)
	var status *githttp.Err
	switch {
	case errors.As(cause, &status) && status.StatusCode() >= 500,
		errors.As(cause, &status) && status.StatusCode() == http.StatusTooManyRequests,
		errors.Is(cause, io.EOF), errors.Is(cause, io.ErrUnexpectedEOF),
		errors.Is(cause, syscall.ECONNRESET), errors.Is(cause, syscall.EPIPE):
		return &retryable{cause}
	}
	return err
}

// definite tells whether err is a server's clear answer, or was found before
// anything was sent: nothing landed, and asking again is of no use.
func definite(err error) bool {
	var known *fault.Error
	var status *githttp.Err
	cause := peel(err)
	return errors.As(cause, &known) || errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded) ||
		errors.Is(cause, transport.ErrAuthenticationRequired) ||
		errors.Is(cause, transport.ErrAuthorizationFailed) ||
		errors.Is(cause, transport.ErrRepositoryNotFound) ||
		errors.As(cause, &status) && status.StatusCode() < 500 && status.StatusCode() != http.StatusTooManyRequests
}

// peel takes go-git's wrappers off, which hide what they wrap from errors.As.
func peel(err error) error {
	for {
		var unexpected *plumbing.UnexpectedError
		var permanent *plumbing.PermanentError
		switch {
		case errors.As(err, &unexpected):
			err = unexpected.Err
		case errors.As(err, &permanent):
			err = permanent.Err
		default:
			return err
		}
	}
}

// explain turns an error into one that names the repository, the cause and the
// way out.
func (r *Repository) explain(ctx context.Context, verb string, err error) error {
	what := fmt.Sprintf("%s %s of %s", verb, r.branch, r.name)
	var callers *own
	var known *fault.Error
	cause := peel(err)
	switch {
	case errors.As(err, &callers):
		return callers.error
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", what, ctx.Err())
	case errors.As(cause, &known):
		return fmt.Errorf("%s: %w", what, cause)
	}
	for _, explain := range []func(error) *fault.Error{r.explainAccess, r.explainTrust, r.explainNetwork} {
		if e := explain(cause); e != nil {
			return &fault.Error{Kind: e.Kind, Err: fmt.Errorf("%s: %w", what, e.Err), Remedy: e.Remedy}
		}
	}
	return fault.Failedf("%s: %w", what, cause)
}

// explainAccess is for a server that knows us too little.
func (r *Repository) explainAccess(err error) *fault.Error {
	var status *githttp.Err
	switch {
	case errors.Is(err, transport.ErrAuthenticationRequired) && r.auth == nil:
		return fault.Failedf("the server asks for credentials (401)").Fix("give --token-file or --token-env")
	case errors.Is(err, transport.ErrAuthenticationRequired):
		return fault.Failedf("the server refused the credentials (401)").Fix("check --username and that the token is right and has not expired")
	case errors.Is(err, transport.ErrAuthorizationFailed):
		return fault.Failedf("the server allows this account no access (403)").Fix("give the account or token write access to the repository")
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return fault.Failedf("the server has no such repository, or hides it from this account").Fix("check the URL and the account's access")
	case strings.Contains(err.Error(), "ssh: unable to authenticate"): // x/crypto has no type for it
		return fault.Failedf("the server refused the ssh key").Fix("add its public half to the repository, with write access")
	case errors.As(err, &status):
		return fault.Failedf("the server answers %s", status.Response.Status).Fix("check the URL and the server's log")
	}
	return nil
}

// explainTrust is for a server that we know too little.
func (r *Repository) explainTrust(err error) *fault.Error {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var host *knownhosts.KeyError
	var revoked *knownhosts.RevokedError
	switch {
	case errors.As(err, &authority):
		return fault.Failedf("the server shows a certificate by an unknown authority").Fix("give the platform's root CA with --ca-file")
	case errors.As(err, &name):
		return fault.Failedf("the server's certificate is for another name: %w", name).Fix("use the name that it is for")
	case errors.As(err, &host) && len(host.Want) == 0:
		return fault.Failedf("the known_hosts file does not have the server's key").Fix("compare the server's key and add it to the file")
	case errors.As(err, &host), errors.As(err, &revoked):
		return fault.Failedf("the server shows another key than the known_hosts file has: somebody may be in between").Fix("find out why the key changed before you replace it")
	}
	return nil
}

// explainNetwork is for no server at all.
func (r *Repository) explainNetwork(err error) *fault.Error {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fault.Failedf("the server refuses connections").Fix("check the address and that the server runs")
	case errors.As(err, &dns):
		return fault.Failedf("%s cannot be resolved", dns.Name).Fix("check the server's name")
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fault.Failedf("the server cannot be reached").Fix("check the network and the address")
	case errors.As(err, &timeout) && timeout.Timeout():
		return fault.Failedf("the server does not answer in time").Fix("check the network and the server")
	case errors.Is(err, exec.ErrNotFound):
		return fault.Failedf("the git program is not installed").Fix("install git, or use https:// or ssh://")
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fault.Failedf("the server does not speak https").Fix("check the address and the port")
	}
	return nil
}
