// Package gitrepo is pave's one Git client. It changes a branch of a remote
// repository in one operation, [Repository.Update]: read the branch, apply a
// function, commit, push, and do all of it again when somebody else was faster.
//
// It promises that a change lands exactly once or not at all, that no other
// commit is ever overwritten, and that nothing is written to the local disk.
// It needs no git program, except for repositories on a local path.
package gitrepo

import (
	"context"
	"log/slog"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/secret"
)

// Options say where a repository is and who changes it.
type Options struct {
	// URL is https://host/path, ssh://[user@]host[:port]/path, user@host:path,
	// file:///path or a path. Plain http is for loopback addresses only. It
	// holds no credentials.
	URL    string
	Branch string

	// https: a token alone, or a user with a password or token.
	Username string
	Token    secret.Source
	CAFile   string // PEM certificates trusted besides the system's

	// ssh: both are needed.
	SSHKey         secret.Source // a private key without a passphrase
	KnownHostsFile string        // OpenSSH's format; only hosts in it are talked to

	Author   Author
	Attempts int          // how often a push is tried; 0 for the default
	Log      *slog.Logger // progress; nil for none
}

// Author is who a commit is by, as author and committer.
type Author struct{ Name, Email string }

// defaultAttempts lets about 50 clients change one branch at the same time
// without one of them giving up.
const defaultAttempts = 60

// Repository is one branch of one remote repository. It is safe for use by
// several goroutines.
type Repository struct {
	name      string // the URL, for messages
	branch    string
	author    Author
	attempts  int
	log       *slog.Logger
	transport transport.Transport
	endpoint  transport.Endpoint
	auth      transport.AuthMethod
	now       func() time.Time
}

// New validates o and reads the secrets and certificates that it names. It
// contacts nobody.
func New(o Options) (*Repository, error) {
	if err := validBranch(o.Branch); err != nil {
		return nil, err
	}
	if o.Author.Name == "" || o.Author.Email == "" {
		return nil, fault.Inputf("a commit needs an author's name and email")
	}
	endpoint, err := parseURL(o.URL)
	if err != nil {
		return nil, err
	}
	client, auth, err := connection(endpoint, o)
	if err != nil {
		return nil, err
	}
	r := &Repository{
		name: o.URL, branch: o.Branch, author: o.Author, attempts: o.Attempts, log: o.Log,
		transport: client, endpoint: *endpoint, auth: auth, now: time.Now,
	}
	if r.attempts <= 0 {
		r.attempts = defaultAttempts
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	return r, nil
}

func validBranch(branch string) error {
	if branch == "" {
		return fault.Inputf("no branch is given")
	}
	if err := plumbing.NewBranchReferenceName(branch).Validate(); err != nil {
		return fault.Inputf("branch %q is not a valid Git branch name", branch).Fix("give it as in main or release/1.2")
	}
	return nil
}

// ref is the branch's full name.
func (r *Repository) ref() plumbing.ReferenceName { return plumbing.NewBranchReferenceName(r.branch) }

// Read gives f the branch as it is now. The branch of an empty repository is
// an empty tree.
func (r *Repository) Read(ctx context.Context, f func(*Tree) error) error {
	s := newSnapshot(r)
	if err := s.fetch(ctx); err != nil {
		return r.explain(ctx, "read", err)
	}
	if err := ofChange(f(s.tree(ctx))); err != nil {
		return r.explain(ctx, "read", err)
	}
	return nil
}
