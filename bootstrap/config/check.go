package config

import (
	"net"
	"net/netip"
	"strings"

	"github.com/blang/semver/v4"
	"github.com/siderolabs/talos/pkg/machinery/api/machine"
	"github.com/siderolabs/talos/pkg/machinery/compatibility"

	"github.com/pave-platform/pave/internal/yamlfile"
)

// apiPort is that of a Kubernetes API without another one.
const apiPort = "6443"

func hostPort(a Address) string { return net.JoinHostPort(string(a), apiPort) }

// check finds what is wrong between fields of a file whose fields are right by
// themselves.
func check(f *yamlfile.File, c *Cluster) {
	s := c.Spec
	versions(f, s)
	ova(f, s.OVA)
	if (s.Install.Image == "") == (s.Install.Factory == "") {
		f.Conflict("spec.install", "needs either image or factory")
	}
	if s.Install.Image != "" && len(s.Install.Extensions) > 0 {
		f.Conflict("spec.install.extensions", "goes with factory: an image has the extensions that it was made with")
	}
	if s.Endpoint == "" {
		f.Conflict("spec.endpoint", "is missing: give it, or a vip from which it follows")
	}
	nodes(f, s)
	seen := map[Registry]int{}
	for i, m := range s.RegistryMirrors {
		if first, twice := seen[m.Registry]; twice {
			f.Conflict(yamlfile.Index("spec.registryMirrors", i)+".registry", "%s has a mirror already, %s", m.Registry, yamlfile.Index("spec.registryMirrors", first))
			continue
		}
		seen[m.Registry] = i
	}
}

// The versions of Talos that get machine configs from here: the oldest whose
// network is configured by documents, up to that of the library.
var (
	oldestTalos = semver.MustParse("1.12.0")
	beyondTalos = semver.MustParse("1.14.0")
)

func versions(f *yamlfile.File, s Spec) {
	talos, err := semver.Parse(s.Talos.Number())
	if err != nil || talos.LT(oldestTalos) || talos.GTE(beyondTalos) {
		f.Conflict("spec.talos", "%s is not supported: use 1.12 or 1.13", s.Talos)
		return
	}
	target, err := compatibility.ParseTalosVersion(&machine.VersionInfo{Tag: "v" + s.Talos.Number()})
	if err != nil {
		f.Conflict("spec.talos", "%v", err)
		return
	}
	kubernetes, err := compatibility.ParseKubernetesVersion(s.Kubernetes.Number())
	if err != nil {
		f.Conflict("spec.kubernetes", "%v", err)
		return
	}
	if err := kubernetes.SupportedWith(target); err != nil {
		f.Conflict("spec.kubernetes", "%v: choose one that Talos's support matrix lists", err)
	}
}

func ova(f *yamlfile.File, o OVA) {
	var given []string
	for _, source := range []struct {
		name string
		set  bool
	}{{"file", o.File != ""}, {"url", o.URL != ""}, {"library", o.Library != nil}, {"template", o.Template != ""}} {
		if source.set {
			given = append(given, source.name)
		}
	}
	switch {
	case len(given) == 0:
		f.Conflict("spec.ova", "needs one of file, url, library and template")
	case len(given) > 1:
		f.Conflict("spec.ova", "has %s: keep one of them", strings.Join(given, " and "))
	case (given[0] == "file" || given[0] == "url") && o.SHA256 == "":
		f.Conflict("spec.ova.sha256", "is missing: a %s is used only if its SHA-256 is known", given[0])
	case (given[0] == "library" || given[0] == "template") && o.SHA256 != "":
		f.Conflict("spec.ova.sha256", "goes with file and url: vCenter does not give a %s out", given[0])
	}
}

func nodes(f *yamlfile.File, s Spec) {
	names, addresses := map[Label]int{}, map[netip.Addr]string{}
	if vip, err := netip.ParseAddr(string(s.VIP)); err == nil {
		addresses[vip] = "spec.vip"
	}
	controlPlanes := 0
	for i, n := range s.Nodes {
		path := yamlfile.Index("spec.nodes", i)
		if n.Role == ControlPlane {
			controlPlanes++
		}
		if first, taken := names[n.Name]; taken {
			f.Conflict(path+".name", "%s is the name of %s already", n.Name, yamlfile.Index("spec.nodes", first))
		} else {
			names[n.Name] = i
		}
		if n.Address == "" {
			if n.Gateway != "" {
				f.Conflict(path+".gateway", "goes with a static address: DHCP gives the others one")
			}
			continue
		}
		static(f, path, n, s, addresses)
	}
	switch {
	case controlPlanes == 0:
		f.Conflict("spec.nodes", "has no node with role %s: give it 1, 3 or 5", ControlPlane)
	case controlPlanes%2 == 0:
		f.Conflict("spec.nodes", "has %d nodes with role %s, an even number: etcd bears no more failures than with one less, use 1, 3 or 5", controlPlanes, ControlPlane)
	}
}

// static looks at a node with an address of its own.
func static(f *yamlfile.File, path string, n Node, s Spec, addresses map[netip.Addr]string) {
	prefix, err := netip.ParsePrefix(string(n.Address))
	if err != nil {
		return // its type said so
	}
	if other, taken := addresses[prefix.Addr()]; taken {
		f.Conflict(path+".address", "%s is that of %s already", prefix.Addr(), other)
	}
	addresses[prefix.Addr()] = path
	if n.Gateway == "" {
		f.Conflict(path+".gateway", "is missing: give the node one, or spec.network.gateway for all")
	} else if gateway, err := netip.ParseAddr(string(n.Gateway)); err == nil && !prefix.Contains(gateway) {
		f.Conflict(path+".address", "the gateway %s is not in the network %s", gateway, prefix.Masked())
	}
	if len(s.Network.DNS) == 0 {
		f.Conflict("spec.network.dns", "is missing: nodes with a static address get no DNS servers from DHCP")
	}
	if vip, err := netip.ParseAddr(string(s.VIP)); err == nil && n.Role == ControlPlane && !prefix.Contains(vip) {
		f.Conflict("spec.vip", "%s is not in the network %s of the control plane %s", vip, prefix.Masked(), n.Name)
	}
}
