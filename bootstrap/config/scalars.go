package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strings"

	"filippo.io/age"
	"github.com/google/go-containerregistry/pkg/name"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/pave-platform/pave/internal/yamlfile"
)

// rule is what every scalar type knows about its own values: valid gives nil, or
// says what is wrong and what is allowed.
type rule interface{ valid() error }

// verbatim marks scalar types that take a number as it is written.
type verbatim interface{ verbatim() }

// choice is a text of which only a few are allowed.
type choice interface{ choices() []string }

// The constants that a file of this version carries.
const (
	CurrentAPIVersion APIVersion = "pave/v1"
	ClusterKind       Kind       = "Cluster"
)

// APIVersion is the version of the format.
type APIVersion string

func (APIVersion) choices() []string { return []string{string(CurrentAPIVersion)} }
func (v APIVersion) valid() error    { return yamlfile.Among(v, v.choices()) }

// Kind is the kind of document.
type Kind string

func (Kind) choices() []string { return []string{string(ClusterKind)} }
func (k Kind) valid() error    { return yamlfile.Among(k, k.choices()) }

// Role is what a machine is for.
type Role string

// The roles of a machine, in Talos's words.
const (
	ControlPlane Role = "controlplane"
	Worker       Role = "worker"
)

func (Role) choices() []string { return []string{string(ControlPlane), string(Worker)} }
func (r Role) valid() error    { return yamlfile.Among(r, r.choices()) }

// maxName leaves room in a DNS label for what is appended.
const maxName = 40

var nameForm = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)

// Name is a DNS label (RFC 1035).
type Name string

func (n Name) valid() error {
	if len(n) > maxName || !nameForm.MatchString(string(n)) {
		return fmt.Errorf("%q is not a name: use at most %d lower-case letters, digits and -, starting with a letter and not ending with -", n, maxName)
	}
	return nil
}

// maxLabel is the length of a DNS label.
const maxLabel = 63

var labelForm = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

// Label is a DNS label (RFC 1123) that names a machine.
type Label string

func (l Label) valid() error {
	if len(l) > maxLabel || !labelForm.MatchString(string(l)) {
		return fmt.Errorf("%q is not a host name: use at most %d lower-case letters, digits and -, not starting or ending with -", l, maxLabel)
	}
	return nil
}

// maxHost is the length of a DNS name.
const maxHost = 253

var hostForm = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

// Host is a DNS name or an IPv4 address.
type Host string

func (h Host) valid() error {
	if len(h) > maxHost || !hostForm.MatchString(string(h)) {
		return fmt.Errorf("%q is not a host: write a name in lower case or an address, without scheme, port and path", h)
	}
	return nil
}

var serverForm = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[1-9][0-9]{0,4})?$`)

// Server is a host, with a port where it is not the usual one.
type Server string

func (s Server) valid() error {
	if len(s) > maxHost || !serverForm.MatchString(string(s)) {
		return fmt.Errorf("%q is not a server: write it as in vcenter.example.internal, without scheme and path; it is spoken to over https", s)
	}
	return nil
}

var endpointForm = regexp.MustCompile(`^https://[a-z0-9]([-a-z0-9.]*[a-z0-9])?:[1-9][0-9]{0,4}$`)

// Endpoint is the address of the Kubernetes API.
type Endpoint string

func (e Endpoint) valid() error {
	if !endpointForm.MatchString(string(e)) {
		return fmt.Errorf("%q is not the address of an API: write it as in https://platform.example.internal:6443", e)
	}
	return nil
}

var addressForm = regexp.MustCompile(`^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f:]*:[0-9a-f:]*)$`)

// Address is an IPv4 or IPv6 address.
type Address string

func (a Address) valid() error {
	if _, err := netip.ParseAddr(string(a)); err != nil || !addressForm.MatchString(string(a)) {
		return fmt.Errorf("%q is not an address: write it as in 10.20.0.10", a)
	}
	return nil
}

var prefixForm = regexp.MustCompile(`^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f:]*:[0-9a-f:]*)/[0-9]{1,3}$`)

// Prefix is an address with the length of its network's prefix.
type Prefix string

func (p Prefix) valid() error {
	parsed, err := netip.ParsePrefix(string(p))
	if err != nil || !prefixForm.MatchString(string(p)) {
		return fmt.Errorf("%q is not an address in a network: write address and length as in 10.20.0.11/24", p)
	}
	if parsed.Masked() == parsed && parsed.Bits() < parsed.Addr().BitLen()-1 {
		return fmt.Errorf("%q is a network: write the node's own address in it, as in %s/%d", p, parsed.Addr().Next(), parsed.Bits())
	}
	return nil
}

var versionForm = regexp.MustCompile(`^v?[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}$`)

// Version is a released version of three numbers, with or without a v.
type Version string

func (v Version) valid() error {
	if !versionForm.MatchString(string(v)) {
		return fmt.Errorf("%q is not a released version: write three numbers as in 1.13.0", v)
	}
	return nil
}

func (Version) verbatim() {}

// Number gives the version without a v.
func (v Version) Number() string { return strings.TrimPrefix(string(v), "v") }

// maxInventoryName is the length of a name, or of a path of some.
const maxInventoryName = 255

var inventoryNameForm = regexp.MustCompile(`^[^\s%\\]([^%\\]*[^\s%\\])?$`)

// InventoryName is a name in vSphere's inventory, or a path in it.
type InventoryName string

func (n InventoryName) valid() error {
	if len(n) > maxInventoryName || !inventoryNameForm.MatchString(string(n)) {
		return fmt.Errorf("%q is not a name in vSphere: write it as vSphere shows it, at most %d characters without %% and \\", n, maxInventoryName)
	}
	return nil
}

// maxPath is the length of a path or a URL.
const maxPath = 1024

var pathForm = regexp.MustCompile(`^[^\\\x00]*[^\\/\x00]$`)

// Path is the path of a file, relative to the folder of cluster.yaml, with /.
type Path string

func (p Path) valid() error {
	if len(p) > maxPath || !pathForm.MatchString(string(p)) || path.Clean(string(p)) == "." {
		return fmt.Errorf("%q is not the path of a file: write it with / also on Windows, relative to this file", p)
	}
	return nil
}

var urlForm = regexp.MustCompile(`^https?://[!-~]+$`)

// URL is the address of something over HTTP; plain http is for loopback alone.
type URL string

func (u URL) valid() error {
	parsed, err := url.Parse(string(u))
	if err != nil || len(u) > maxPath || !urlForm.MatchString(string(u)) || parsed.Host == "" {
		return fmt.Errorf("%q is not an address: write it as in https://artifacts.example.internal/talos.ova", u)
	}
	if parsed.User != nil {
		return fmt.Errorf("it holds a user name or a password: this file holds no secrets")
	}
	if ip, err := netip.ParseAddr(parsed.Hostname()); parsed.Scheme == "http" && (err != nil || !ip.IsLoopback()) {
		return fmt.Errorf("%q is plain http: write https", u)
	}
	return nil
}

var sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)

// SHA256 is a checksum in lower-case hex.
type SHA256 string

func (s SHA256) valid() error {
	if !sha256Form.MatchString(string(s)) {
		return fmt.Errorf("%q is not a SHA-256: write its 64 hex digits in lower case", s)
	}
	return nil
}

func (SHA256) verbatim() {}

// imageRefForm is looser than the rule.
var imageRefForm = regexp.MustCompile(`^[A-Za-z0-9.:-]+(/[a-z0-9._-]+)+(:[A-Za-z0-9._-]+)?(@sha256:[0-9a-f]{64})?$`)

// ImageRef is an image with its registry and a tag or a digest.
type ImageRef string

func (r ImageRef) valid() error {
	if _, err := name.ParseReference(string(r), name.StrictValidation); err != nil || !imageRefForm.MatchString(string(r)) {
		return fmt.Errorf("%q is not an image: write it as registry/project/installer:version", r)
	}
	return nil
}

var registryForm = regexp.MustCompile(`^(\*|[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[1-9][0-9]{0,4})?)$`)

// Registry is the host of a registry as images name it, or *.
type Registry string

func (r Registry) valid() error {
	if len(r) > maxHost || !registryForm.MatchString(string(r)) {
		return fmt.Errorf("%q is not the host of a registry: write it as images do, as in docker.io", r)
	}
	return nil
}

var extensionForm = regexp.MustCompile(`^[a-z0-9-]+/[a-z0-9-]+$`)

// Extension is an official system extension of Talos, as in siderolabs/iscsi-tools.
type Extension string

func (e Extension) valid() error {
	if len(e) > maxHost || !extensionForm.MatchString(string(e)) {
		return fmt.Errorf("%q is not a system extension: write it as in siderolabs/iscsi-tools", e)
	}
	return nil
}

var deviceForm = regexp.MustCompile(`^/dev/[a-z0-9/-]+$`)

// Device is a disk.
type Device string

func (d Device) valid() error {
	if len(d) > maxHost || !deviceForm.MatchString(string(d)) {
		return fmt.Errorf("%q is not a disk: write it as in /dev/sda", d)
	}
	return nil
}

// The least and most that vSphere and Talos take.
const (
	minCores = 2
	maxCores = 128
)

// Cores is a number of virtual CPUs.
type Cores int

func (c Cores) valid() error {
	if c < minCores || c > maxCores {
		return fmt.Errorf("%d virtual CPUs are not possible: write %d to %d", c, minCores, maxCores)
	}
	return nil
}

var sizeForm = regexp.MustCompile(`^[1-9][0-9]{0,6}(Mi|Gi|Ti)$`)

// Size is an amount of memory or disk in powers of two.
type Size string

func (s Size) valid() error {
	if !sizeForm.MatchString(string(s)) {
		return fmt.Errorf("%q is not a size: write a whole number and a unit as in 512Mi or 8Gi", s)
	}
	return nil
}

// Bytes gives the size in bytes; one that was not read by this package and is
// none is 0.
func (s Size) Bytes() int64 {
	q, err := resource.ParseQuantity(string(s))
	if err != nil {
		return 0
	}
	return q.Value()
}

// maxRecipient is several times a key that also resists quantum computers.
const maxRecipient = 4096

var recipientForm = regexp.MustCompile(`^age1[a-z0-9]+$`)

// Recipient is the public half of an age key.
type Recipient string

func (r Recipient) valid() error {
	if strings.HasPrefix(strings.ToUpper(string(r)), "AGE-SECRET-KEY-") {
		return fmt.Errorf("it is the secret half of an age key: write the public half, which begins with age1, and make a new key")
	}
	if len(r) > maxRecipient || !recipientForm.MatchString(string(r)) {
		return fmt.Errorf("%q is not an age recipient: write the public half of an age key, which begins with age1", r)
	}
	if _, err := age.ParseRecipients(strings.NewReader(string(r))); err != nil {
		return fmt.Errorf("%q is not an age recipient, a character may be wrong: write the public half of an age key as age-keygen prints it", r)
	}
	return nil
}
