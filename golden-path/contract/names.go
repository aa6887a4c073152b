package contract

import (
	"fmt"
	"regexp"
)

// maxName leaves room in the 63 characters of a DNS label for what the platform
// appends, such as -production.
const maxName = 50

var nameForm = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)

// Name is a DNS label (RFC 1035) that names an application, a team or a project.
type Name string

func (n Name) valid() error {
	if len(n) > maxName {
		return fmt.Errorf("%q has %d characters, at most %d are allowed", n, len(n), maxName)
	}
	if !nameForm.MatchString(string(n)) {
		return fmt.Errorf("%q is not a DNS label: use lower-case letters, digits and -, starting with a letter and not ending with -", n)
	}
	return nil
}

// maxLabel is the length of a DNS label.
const maxLabel = 63

var labelForm = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

// Label is a DNS label (RFC 1123) that names a namespace, another application or a
// destination.
type Label string

func (l Label) valid() error {
	if len(l) > maxLabel || !labelForm.MatchString(string(l)) {
		return fmt.Errorf("%q is not a DNS label: use at most %d lower-case letters, digits and -, not starting or ending with -", l, maxLabel)
	}
	return nil
}

// maxVolumeName leaves room for the application's name in front.
const maxVolumeName = 40

// VolumeName is a DNS label that names a volume.
type VolumeName string

func (n VolumeName) valid() error {
	if len(n) > maxVolumeName || !labelForm.MatchString(string(n)) {
		return fmt.Errorf("%q is not the name of a volume: use at most %d lower-case letters, digits and -, not starting or ending with -", n, maxVolumeName)
	}
	return nil
}

// maxSubdomain is the length of a DNS name.
const maxSubdomain = 253

var objectNameForm = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

// ObjectName names a Kubernetes object (RFC 1123 subdomain).
type ObjectName string

func (n ObjectName) valid() error {
	if len(n) > maxSubdomain || !objectNameForm.MatchString(string(n)) {
		return fmt.Errorf("%q is not a Kubernetes name: use lower-case letters, digits, - and .", n)
	}
	return nil
}

// httpPortName is the name of the port that the application answers HTTP on.
const httpPortName = "http"

// maxPortName is the length of a port's name.
const maxPortName = 15

// portNameForm knows the alphabet and that a letter is among it.
var portNameForm = regexp.MustCompile(`^([a-z0-9]+-)*[0-9]*[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// PortName is a port's name in the Service (RFC 6335, at most 15 characters).
type PortName string

func (n PortName) valid() error {
	if n == httpPortName {
		return fmt.Errorf("%q is the name of spec.port, use another", n)
	}
	return MetricsPort(n).valid()
}

// MetricsPort is the name of any port, http among them.
type MetricsPort string

func (n MetricsPort) valid() error {
	if len(n) > maxPortName || !portNameForm.MatchString(string(n)) {
		return fmt.Errorf("%q is not a port name: use at most %d lower-case letters, digits and -, with at least one letter", n, maxPortName)
	}
	return nil
}

var envNameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,252}$`)

// EnvName is the name of an environment variable that every shell can read.
type EnvName string

func (n EnvName) valid() error {
	if !envNameForm.MatchString(string(n)) {
		return fmt.Errorf("%q is not a variable name: use letters, digits and _, not starting with a digit", n)
	}
	return nil
}

var alertNameForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,62}$`)

// AlertName is the name of an alert, as in HighErrorRate.
type AlertName string

func (n AlertName) valid() error {
	if !alertNameForm.MatchString(string(n)) {
		return fmt.Errorf("%q is not the name of an alert: use at most 63 letters, digits and _, starting with a letter, as in HighErrorRate", n)
	}
	return nil
}
