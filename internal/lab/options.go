package lab

import (
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pave-platform/pave/internal/fault"
)

// Part is a server, or a group of them, that a lab may have. As an Option it
// adds itself; what it needs comes with it.
type Part string

// The parts. Kubernetes is in every lab: etcd, API server, controller manager
// and, where there is a node, the scheduler.
const (
	Kubernetes  Part = "kubernetes"
	ArgoCD      Part = "argocd"      // repo-server, application and applicationset controller, Redis
	Kubelet     Part = "kubelet"     // a real node: containerd, runc, CNI bridge; Linux and root
	Kwok        Part = "kwok"        // a node that only says that its pods run
	Registry    Part = "registry"    // pave's own, plain http, anonymous
	Git         Part = "git"         // Git's http-backend, plain http, anonymous
	CRDs        Part = "crds"        // the definitions of the operators that the base chart speaks to
	Rollouts    Part = "rollouts"    // the Argo Rollouts controller
	CertManager Part = "certmanager" // the cert-manager controller, with the ClusterIssuer platform-ca
)

// Parts gives all parts, in the order in which people think of them.
func Parts() []Part {
	return []Part{Kubernetes, ArgoCD, Kubelet, Kwok, Registry, Git, CRDs, Rollouts, CertManager}
}

// Option changes what a lab is like. Every Part is one.
type Option interface{ set(*Options) }

// Options say what a lab is like. The zero value is a control plane on
// loopback.
type Options struct {
	Parts []Part

	// Address is the IP address of this machine at which the lab's servers
	// listen; zero: 127.0.0.1. Whoever runs in a container of this machine
	// needs one that it can reach. Servers are the same at it inside the lab.
	Address netip.Addr

	// Refresh is how often Argo CD looks at repositories and pull requests by
	// itself; zero: 5 seconds.
	Refresh time.Duration

	// Log gets a line for each thing that takes long; nil: standard error.
	Log io.Writer
}

func (p Part) set(o *Options) { o.Parts = append(o.Parts, p) }

type setting func(*Options)

func (s setting) set(o *Options) { s(o) }

// At makes the lab's servers listen at an address of this machine that is not
// loopback, as Options.Address says.
func At(address netip.Addr) Option { return setting(func(o *Options) { o.Address = address }) }

// Refresh sets Options.Refresh.
func Refresh(every time.Duration) Option { return setting(func(o *Options) { o.Refresh = every }) }

// ParsePart gives the part with that name.
func ParsePart(name string) (Part, error) {
	if p := Part(name); slices.Contains(Parts(), p) {
		return p, nil
	}
	names := make([]string, len(Parts()))
	for i, p := range Parts() {
		names[i] = string(p)
	}
	return "", fault.Inputf("the lab has no part %q", name).Fix("choose of %s", strings.Join(names, ", "))
}

// has says whether the lab has the part.
func (o Options) has(p Part) bool { return slices.Contains(o.Parts, p) }

// complete checks o, sets what is left open and adds the parts that parts need.
func (o Options) complete() (Options, error) {
	o.Parts = append([]Part{Kubernetes}, o.Parts...)
	if o.has(Kubelet) && o.has(Kwok) {
		return o, fault.Inputf("a lab has one kind of node").Fix("choose kubelet or kwok")
	}
	if !o.Address.IsValid() {
		o.Address = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	if !o.Address.Is4() || o.Address.IsUnspecified() {
		return o, fault.Inputf("address %s", o.Address).Fix("give an IPv4 address of this machine")
	}
	if o.Refresh == 0 {
		o.Refresh = 5 * time.Second
	}
	if o.Refresh < time.Second {
		return o, fault.Inputf("refresh every %s", o.Refresh).Fix("give a second or more")
	}
	wanted := o.Parts
	o.Parts = nil
	for _, p := range Parts() {
		if slices.Contains(wanted, p) {
			o.Parts = append(o.Parts, p)
		}
	}
	return o, nil
}
