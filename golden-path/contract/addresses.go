package contract

import (
	"fmt"
	"net/netip"
	"regexp"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pave-platform/pave/internal/yamlfile"
)

var hostForm = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$`)

// Host is a host name of at least two labels, without scheme, port or path.
type Host string

func (h Host) valid() error {
	if len(h) > maxSubdomain || !hostForm.MatchString(string(h)) {
		return fmt.Errorf("%q is not a host name: write it in lower case as in hello.apps.example.internal, without scheme, port and path", h)
	}
	return nil
}

// cidrForm is looser than the rule: a pattern cannot count the bits.
var cidrForm = regexp.MustCompile(`^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f:]*:[0-9a-f:]*)/[0-9]{1,3}$`)

// CIDR is an IPv4 or IPv6 network.
type CIDR string

func (c CIDR) valid() error {
	p, err := netip.ParsePrefix(string(c))
	if err != nil || !cidrForm.MatchString(string(c)) {
		return fmt.Errorf("%q is not a network: write address and length as in 10.20.0.0/16", c)
	}
	if network := p.Masked(); network != p {
		return fmt.Errorf("%q is an address in a network: write the network, %s", c, network)
	}
	return nil
}

var httpPathForm = regexp.MustCompile(`^/[!-~]*$`)

// HTTPPath is the path of a URL.
type HTTPPath string

func (p HTTPPath) valid() error {
	if !httpPathForm.MatchString(string(p)) {
		return fmt.Errorf("%q is not a path: start it with / and use no spaces, as in /healthz", p)
	}
	return nil
}

var endpointForm = regexp.MustCompile(`^https?://[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[1-9][0-9]{0,4})?/?$`)

// Endpoint is the address of a service over HTTP.
type Endpoint string

func (e Endpoint) valid() error {
	if len(e) > maxPath {
		return yamlfile.AtMost(string(e), maxPath)
	}
	if !endpointForm.MatchString(string(e)) {
		return fmt.Errorf("%q is not the address of a service: write it as in https://s3.example.internal, without a path", e)
	}
	return nil
}

var bucketForm = regexp.MustCompile(`^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*/?$`)

// Bucket is an S3 bucket and a path in it.
type Bucket string

func (b Bucket) valid() error {
	if len(b) > maxPath {
		return yamlfile.AtMost(string(b), maxPath)
	}
	if !bucketForm.MatchString(string(b)) {
		return fmt.Errorf("%q is not a bucket: write it as in s3://backups/demo", b)
	}
	return nil
}

// repositoryForm is looser than the rule, which knows each part's length.
var repositoryForm = regexp.MustCompile(`^[A-Za-z0-9.:-]+(/[a-z0-9._-]+)+$`)

// Repository is an image repository with its registry, without tag and digest.
type Repository string

func (r Repository) valid() error {
	if _, err := name.NewRepository(string(r), name.StrictValidation); err != nil || !repositoryForm.MatchString(string(r)) {
		return fmt.Errorf("%q is not an image repository: write it as registry/project/app, without tag and digest", r)
	}
	return nil
}
