package forge

import (
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
)

// about is what is known of a kind of forge before anybody is asked.
type about struct {
	name   string // for messages
	public string // the API of the public service; empty: there is none
	suffix string // of the API's path, added where it is missing
	rights string // that a token needs, for remedies
	nested bool   // projects have parents
	users  bool   // a user name can go with the token
	header func(h http.Header, token string)
	api    func(r *rest, o Options) api
}

var forges = map[Kind]about{
	BitbucketCloud: {
		name: "Bitbucket Cloud", public: "https://api.bitbucket.org/2.0", suffix: "/2.0", rights: "pull requests: read and write",
		users: true, header: bearer, api: newCloud,
	},
	BitbucketDataCenter: {
		name: "Bitbucket", suffix: "/rest", rights: "repository: read, and write for opening pull requests",
		users: true, header: bearer, api: newDataCenter,
	},
	GitHub: {
		name: "GitHub", public: "https://api.github.com", rights: "pull requests: read and write",
		header: bearer, api: newGitHub,
	},
	GitLab: {
		name: "GitLab", public: "https://gitlab.com", suffix: "/api/v4", rights: "the scope api",
		nested: true, header: func(h http.Header, token string) { h.Set("Private-Token", token) }, api: newGitLab,
	},
}

func bearer(h http.Header, token string) { h.Set("Authorization", "Bearer "+token) }

// slug is one segment of a path; ~ is for personal projects.
var slug = regexp.MustCompile(`^[A-Za-z0-9~_.][A-Za-z0-9_.-]*$`)

func (a about) validNames(o Options) error {
	for _, part := range []struct {
		what, name string
		nested     bool
	}{{"project", o.Project, a.nested}, {"repository", o.Repository, false}} {
		segments := []string{part.name}
		if part.nested {
			segments = strings.Split(part.name, "/")
		}
		for _, s := range segments {
			if !slug.MatchString(s) || strings.Trim(s, ".") == "" {
				return fault.Inputf("%s: %s %q", a.name, part.what, part.name).Fix("write it as in the repository's address, without the host")
			}
		}
	}
	return nil
}

func (a about) validLogin(o Options) error {
	if o.Username != "" && !a.users {
		return fault.Inputf("%s: a user name goes with no token", a.name).Fix("give the token alone")
	}
	if o.Username != "" && o.Token.IsZero() {
		return fault.Inputf("%s: user %s has no password or token", a.name, o.Username).Fix("give --forge-token-file or --forge-token-env")
	}
	return nil
}

// base is the API's address without a slash at the end. What may hold a password
// is not repeated in the error.
func (a about) base(raw string) (*url.URL, error) {
	if raw == "" {
		raw = a.public
	}
	if raw == "" {
		return nil, fault.Inputf("%s: no address is given", a.name).Fix("give the server's address, as in https://bitbucket.example.com")
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		return nil, fault.Inputf("the address of %s is malformed", a.name).Fix("write it as in https://host")
	case u.User != nil:
		return nil, fault.Inputf("the address of %s holds credentials", a.name).Fix("take them out and give --forge-token-file or --forge-token-env")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u)):
		return nil, fault.Inputf("%s at %s: only https is spoken, and plain http to loopback", a.name, raw).Fix("use https://")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	if !strings.HasSuffix(u.Path, a.suffix) {
		u.Path += a.suffix
	}
	u.RawPath = ""
	return u, nil
}

func isLoopbackIP(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
