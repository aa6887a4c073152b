package contract

import (
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/google/go-containerregistry/pkg/name"
)

// rule is what every scalar type of the contract knows about its own values:
// valid gives nil, or says what is wrong and what is allowed.
type rule interface{ valid() error }

// verbatim marks scalar types that take a number or a boolean as it is written,
// so that `1.10` stays "1.10" and needs no quotes.
type verbatim interface{ verbatim() }

// The constants that a file of this version of the contract carries.
const (
	CurrentAPIVersion APIVersion = "pave/v1"
	ApplicationKind   Kind       = "Application"
)

// APIVersion is the version of the contract.
type APIVersion string

func (v APIVersion) valid() error {
	if v != CurrentAPIVersion {
		return fmt.Errorf("%q is not known, the only version is %s", v, CurrentAPIVersion)
	}
	return nil
}

// Kind is the kind of document.
type Kind string

func (k Kind) valid() error {
	if k != ApplicationKind {
		return fmt.Errorf("%q is not known, the only kind is %s", k, ApplicationKind)
	}
	return nil
}

// maxName leaves room in the 63 characters of a DNS label for what the platform
// appends, such as -production.
const maxName = 50

// Name is a DNS label (RFC 1035) that names an application, a team or a project.
type Name string

func (n Name) valid() error {
	if len(n) > maxName {
		return fmt.Errorf("%q has %d characters, at most %d are allowed", n, len(n), maxName)
	}
	if len(validation.IsDNS1035Label(string(n))) > 0 {
		return fmt.Errorf("%q is not a DNS label: use lower-case letters, digits and -, starting with a letter and not ending with -", n)
	}
	return nil
}

// ObjectName names a Kubernetes object (RFC 1123 subdomain).
type ObjectName string

func (n ObjectName) valid() error {
	if len(validation.IsDNS1123Subdomain(string(n))) > 0 {
		return fmt.Errorf("%q is not a Kubernetes name: use lower-case letters, digits, - and .", n)
	}
	return nil
}

// httpPortName is the name of the port that the application answers HTTP on.
const httpPortName = "http"

// PortName is a port's name in the Service (RFC 6335, at most 15 characters).
type PortName string

func (n PortName) valid() error {
	if n == httpPortName {
		return fmt.Errorf("%q is the name of spec.port, use another", n)
	}
	if len(validation.IsValidPortName(string(n))) > 0 {
		return fmt.Errorf("%q is not a port name: use at most 15 lower-case letters, digits and -, with at least one letter", n)
	}
	return nil
}

// Port is a TCP port that a process without privileges can listen on.
type Port int

func (p Port) valid() error { return between(int(p), 1024, 65535) }

// Replicas is a number of pods.
type Replicas int

func (r Replicas) valid() error { return between(int(r), 1, 100) }

// Seconds is a duration in whole seconds, at most an hour.
type Seconds int

func (s Seconds) valid() error { return between(int(s), 1, 3600) }

// Threshold is a number of failures in a row.
type Threshold int

func (t Threshold) valid() error { return between(int(t), 1, 1000) }

func between(n, low, high int) error {
	switch {
	case n < low:
		return fmt.Errorf("%d is below %d", n, low)
	case n > high:
		return fmt.Errorf("%d is above %d", n, high)
	}
	return nil
}

// Host is a host name of at least two labels, without scheme, port or path.
type Host string

func (h Host) valid() error {
	if len(validation.IsDNS1123Subdomain(string(h))) > 0 || !strings.Contains(string(h), ".") {
		return fmt.Errorf("%q is not a host name: write it in lower case as in hello.apps.example.internal, without scheme, port and path", h)
	}
	return nil
}

// EnvName is the name of an environment variable that every shell can read.
type EnvName string

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (n EnvName) valid() error {
	if !envName.MatchString(string(n)) {
		return fmt.Errorf("%q is not a variable name: use letters, digits and _, not starting with a digit", n)
	}
	return nil
}

// EnvValue is the text of an environment variable.
type EnvValue string

func (EnvValue) valid() error { return nil }
func (EnvValue) verbatim()    {}

// HTTPPath is the path of a URL.
type HTTPPath string

func (p HTTPPath) valid() error {
	if !strings.HasPrefix(string(p), "/") || strings.ContainsAny(string(p), " \t\r\n") {
		return fmt.Errorf("%q is not a path: start it with / and use no spaces, as in /healthz", p)
	}
	return nil
}

// Repository is an image repository with its registry, without tag and digest.
type Repository string

func (r Repository) valid() error {
	if _, err := name.NewRepository(string(r), name.StrictValidation); err != nil {
		return fmt.Errorf("%q is not an image repository: write it as registry/project/app, without tag and digest", r)
	}
	return nil
}
