// Package forge is pave's one client for pull requests, on Bitbucket Cloud,
// Bitbucket Data Center, GitHub and GitLab: it lists, finds, opens, changes and
// closes them, and comments on them.
//
// It promises that an operation that is repeated, by a caller or because an
// answer got lost, does not open a second pull request and does not write a
// second comment, that a list is whole or an error, and that the token goes to
// the forge's own address over TLS only (plain http to loopback).
//
// The REST calls are made by hand: a dozen per forge, against four SDKs of which
// none can be told about a lost answer, a CA and a redirect in the same way.
package forge

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/secret"
)

// Kind is a kind of forge.
type Kind string

// The kinds.
const (
	BitbucketCloud      Kind = "bitbucket-cloud"      // REST API 2.0
	BitbucketDataCenter Kind = "bitbucket-datacenter" // REST API 1.0; Server too
	GitHub              Kind = "github"               // REST API v3; Enterprise Server too
	GitLab              Kind = "gitlab"               // REST API v4
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{BitbucketCloud, BitbucketDataCenter, GitHub, GitLab} }

// Options say which repository of which forge, and who asks.
type Options struct {
	Kind Kind
	// URL is the API's: https://api.bitbucket.org/2.0, https://bitbucket.example.com
	// (with or without /rest), https://api.github.com, https://github.example.com/api/v3,
	// https://gitlab.example.com (with or without /api/v4). Empty: the public service,
	// which Data Center has none of. Plain http is for loopback addresses only. It holds
	// no credentials.
	URL string
	// Project is the workspace, the project's key, the owner, or the group with its
	// parents, as in platform/shop.
	Project    string
	Repository string // its slug

	// Username goes with an app password, an API token or a password, for Bitbucket.
	// Empty: the token is an access token.
	Username string
	Token    secret.Source
	CAFile   string // PEM certificates trusted besides the system's

	Log *slog.Logger // progress; nil for none
}

// State of a pull request.
type State string

// The states.
const (
	Open   State = "open"
	Merged State = "merged"
	Closed State = "closed" // without a merge: declined, superseded
)

// PullRequest is one, on any forge. What people wrote in it (title, branch, author)
// is text that anybody may have chosen.
type PullRequest struct {
	Number      int    `json:"number"` // unique in the repository
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
	Branch      string `json:"branch"` // the source's, without refs/heads/
	Target      string `json:"target"`
	// Head is the newest commit of the source branch. Bitbucket Cloud gives its first
	// 12 hexadecimal digits, the others all 40: compare with SameCommit.
	Head   string `json:"head"`
	Author string `json:"author"`
	URL    string `json:"url"` // for a browser
	State  State  `json:"state"`
	Fork   bool   `json:"fork,omitempty"` // the source branch is in another repository
	// Updated is when it was last changed: a push, a comment, a new title.
	Updated time.Time `json:"updated"`
}

// Draft is a pull request to be opened, inside one repository.
type Draft struct {
	Branch, Target     string // both exist
	Title, Description string
}

// Client talks to one repository. It is safe for use by several goroutines.
type Client struct {
	api
	rest *rest
}

// api is what differs between forges.
type api interface {
	list(ctx context.Context, branch string) ([]PullRequest, error) // the open ones; of all branches if branch is empty
	get(ctx context.Context, number int) (PullRequest, error)
	create(ctx context.Context, d Draft) (PullRequest, error)
	update(ctx context.Context, number int, title, description string) (PullRequest, error)
	close(ctx context.Context, number int) error
	comments(ctx context.Context, number int) ([]comment, error)
	addComment(ctx context.Context, number int, text string) error
	changeComment(ctx context.Context, number int, c comment, text string) error
}

// comment is one on a pull request.
type comment struct {
	id, version int
	text        string
}

// Address validates what o says about the repository and gives the API's address,
// without a slash at its end.
func (o Options) Address() (string, error) {
	about, ok := forges[o.Kind]
	if !ok {
		return "", unknown(o.Kind)
	}
	if err := about.validNames(o); err != nil {
		return "", err
	}
	base, err := about.base(o.URL)
	if err != nil {
		return "", err
	}
	return base.String(), nil
}

func unknown(k Kind) error {
	return fault.Inputf("there is no kind of forge %q", k).Fix("choose bitbucket-cloud, bitbucket-datacenter, github or gitlab")
}

// New validates o and reads the token and the certificates that it names. It
// contacts nobody.
func New(o Options) (*Client, error) {
	about, ok := forges[o.Kind]
	if !ok {
		return nil, unknown(o.Kind)
	}
	if err := about.validNames(o); err != nil {
		return nil, err
	}
	if err := about.validLogin(o); err != nil {
		return nil, err
	}
	base, err := about.base(o.URL)
	if err != nil {
		return nil, err
	}
	r, err := newRest(about, base, o)
	if err != nil {
		return nil, err
	}
	return &Client{api: about.api(r, o), rest: r}, nil
}

// List gives all open pull requests of the repository, those of forks too.
func (c *Client) List(ctx context.Context) ([]PullRequest, error) { return c.list(ctx, "") }

// Get gives one pull request in any state. One that never was is an input error.
func (c *Client) Get(ctx context.Context, number int) (PullRequest, error) { return c.get(ctx, number) }

// Find gives the open pull request from branch to target, not from a fork; nil
// for none. An empty target is any.
func (c *Client) Find(ctx context.Context, branch, target string) (*PullRequest, error) {
	all, err := c.list(ctx, branch)
	if err != nil {
		return nil, err
	}
	for i, p := range all {
		if p.Branch == branch && !p.Fork && (target == "" || p.Target == target) {
			return &all[i], nil
		}
	}
	return nil, nil
}

// Repository names the repository and its forge, for messages.
func (c *Client) Repository() string { return c.rest.repository }

// SameCommit tells whether two hashes name one commit, of which one may be
// abbreviated to 12 digits or more.
func SameCommit(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return len(a) >= shortHash && strings.HasPrefix(b, a)
}

// shortHash is what Bitbucket Cloud abbreviates to.
const shortHash = 12

// loopback tells whether plain http may be spoken to u.
func loopback(u *url.URL) bool {
	host := u.Hostname()
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || isLoopbackIP(host)
}
