package gitrepo

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/pave-platform/pave/internal/fault"
)

// parseURL gives where a repository is, and refuses what would send
// credentials in the clear or show them in a log. A refused URL that may hold
// a password is not repeated in the error.
func parseURL(raw string) (*transport.Endpoint, error) {
	if raw == "" {
		return nil, fault.Inputf("no repository URL is given")
	}
	scheme, _, hasScheme := strings.Cut(raw, "://")
	if hasScheme {
		u, err := url.Parse(raw)
		if err != nil {
			return nil, fault.Inputf("the repository URL is malformed").Fix("write it as https://host/path.git")
		}
		if _, ok := u.User.Password(); ok || (u.User != nil && scheme != "ssh") {
			return nil, fault.Inputf("the repository URL holds credentials").Fix("take them out and give --username and --token-file or --token-env")
		}
		if u.RawQuery != "" || u.Fragment != "" {
			return nil, fault.Inputf("the repository URL has a query or a fragment").Fix("write it as https://host/path.git")
		}
	}
	endpoint, err := transport.NewEndpoint(raw)
	if err != nil {
		return nil, fault.Inputf("repository %q is neither a URL nor a path", raw).Fix("write it as https://host/path.git")
	}
	switch endpoint.Protocol {
	case "https", "ssh":
		if endpoint.Host == "" || strings.Trim(endpoint.Path, "/") == "" {
			return nil, fault.Inputf("repository %q lacks a host or a path", raw).Fix("write it as https://host/path.git")
		}
	case "http":
		if !loopback(strings.Trim(endpoint.Host, "[]")) {
			return nil, fault.Inputf("repository %s: plain http is for loopback addresses only", raw).Fix("use https://")
		}
	case "file":
		return localEndpoint(endpoint, raw)
	default:
		return nil, fault.Inputf("repository %s: %s:// is not supported", raw, scheme).Fix("use https://, ssh:// or a path")
	}
	return endpoint, nil
}

// localEndpoint checks a repository on this machine: Git's own programs serve
// it, because nothing else takes its locks and runs its hooks.
func localEndpoint(e *transport.Endpoint, raw string) (*transport.Endpoint, error) {
	if e.Host != "" && e.Host != "localhost" {
		return nil, fault.Inputf("repository %s names a host", raw).Fix("write it as file:///path")
	}
	if info, err := os.Stat(e.Path); err != nil || !info.IsDir() {
		return nil, fault.Inputf("repository %s: there is no folder %s", raw, filepath.Clean(e.Path)).Fix("check the path, or create it with git init --bare")
	}
	if _, err := exec.LookPath("git"); err != nil {
		return nil, fault.Failedf("repository %s is a local path, and the git program is not installed", raw).Fix("install git, or use https:// or ssh://")
	}
	return e, nil
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
