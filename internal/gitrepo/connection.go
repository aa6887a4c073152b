package gitrepo

import (
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/file"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"golang.org/x/crypto/ssh"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
)

// tokenUser goes with a token that has no user of its own: Bitbucket asks for
// this name, GitHub and GitLab accept any.
const tokenUser = "x-token-auth"

const (
	dialTimeout   = 30 * time.Second
	answerTimeout = 2 * time.Minute // from the last byte sent to the answer's first: a server's hooks run meanwhile
)

// connection gives the transport and the credentials for e. Each kind of
// credential belongs to one protocol; one given for another is an error, so
// that nobody believes it was used.
func connection(e *transport.Endpoint, o Options) (transport.Transport, transport.AuthMethod, error) {
	web := o.Username != "" || !o.Token.IsZero()
	shell := !o.SSHKey.IsZero() || o.KnownHostsFile != ""
	switch {
	case web && !strings.HasPrefix(e.Protocol, "http"):
		return nil, nil, fault.Inputf("repository %s: a user or token is for https, not for %s", o.URL, e.Protocol).Fix("use an https:// URL or leave the token out")
	case shell && e.Protocol != "ssh":
		return nil, nil, fault.Inputf("repository %s: an ssh key is for ssh, not for %s", o.URL, e.Protocol).Fix("use an ssh:// URL or leave the key out")
	}
	switch e.Protocol {
	case "ssh":
		auth, err := sshAuth(e, o)
		return gitssh.DefaultClient, auth, err
	case "file":
		return file.DefaultClient, nil, nil
	default:
		return httpConnection(o)
	}
}

func httpConnection(o Options) (transport.Transport, transport.AuthMethod, error) {
	tlsConfig, err := registry.TLSConfig(o.CAFile)
	if err != nil {
		return nil, nil, err
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = tlsConfig
	t.ResponseHeaderTimeout = answerTimeout
	client := githttp.NewClient(&http.Client{Transport: encrypted{t}})
	if o.Token.IsZero() {
		if o.Username != "" {
			return nil, nil, fault.Inputf("Git user %s has no password or token", o.Username).Fix("give --token-file or --token-env")
		}
		return client, nil, nil
	}
	token, err := o.Token.Read()
	if err != nil {
		return nil, nil, err
	}
	user := o.Username
	if user == "" {
		user = tokenUser
	}
	return client, &githttp.BasicAuth{Username: user, Password: string(token)}, nil
}

// encrypted refuses plain http to anything but loopback, also behind a
// redirect, so that a token never travels in the clear.
type encrypted struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t encrypted) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" && !loopback(req.URL.Hostname()) {
		return nil, fault.Failedf("%s redirects to plain http", req.URL.Host).Fix("use the address that it is served at over https")
	}
	return t.next.RoundTrip(req)
}

// sshKey authenticates with one private key, to hosts of one known_hosts file.
type sshKey struct {
	*gitssh.PublicKeys
	algorithms []string
}

// ClientConfig implements go-git's ssh.AuthMethod.
func (k sshKey) ClientConfig() (*ssh.ClientConfig, error) {
	return &ssh.ClientConfig{
		User:              k.User,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(k.Signer)},
		HostKeyCallback:   k.HostKeyCallback,
		HostKeyAlgorithms: k.algorithms,
		Timeout:           dialTimeout,
	}, nil
}

func sshAuth(e *transport.Endpoint, o Options) (transport.AuthMethod, error) {
	if o.SSHKey.IsZero() {
		return nil, fault.Inputf("repository %s needs a private key", o.URL).Fix("give --ssh-key-file or --ssh-key-env")
	}
	if o.KnownHostsFile == "" {
		return nil, fault.Inputf("repository %s needs a known_hosts file", o.URL).Fix("give --known-hosts-file; ssh-keyscan writes one, compare its keys with the server's")
	}
	pem, err := o.SSHKey.Read()
	if err != nil {
		return nil, err
	}
	user := e.User
	if user == "" {
		user = "git"
	}
	key, err := gitssh.NewPublicKeys(user, append(pem, '\n'), "")
	if err != nil { // the parser's words could quote the key: they are left out
		return nil, fault.Inputf("the ssh key is not a private key that can be read without a passphrase").Fix("give an OpenSSH or PEM private key without a passphrase")
	}
	if _, err := os.Stat(o.KnownHostsFile); err != nil {
		return nil, fault.Inputf("known hosts: %w", err)
	}
	known, err := gitssh.NewKnownHostsDb(o.KnownHostsFile)
	if err != nil {
		return nil, fault.Inputf("known hosts file %s: %w", o.KnownHostsFile, err)
	}
	port := e.Port
	if port == 0 {
		port = gitssh.DefaultPort
	}
	key.HostKeyCallback = known.HostKeyCallback()
	host := net.JoinHostPort(strings.Trim(e.Host, "[]"), strconv.Itoa(port))
	return sshKey{key, known.HostKeyAlgorithms(host)}, nil
}
