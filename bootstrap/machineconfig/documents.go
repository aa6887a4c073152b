package machineconfig

import (
	"crypto/x509"
	"encoding/pem"
	"net/netip"
	"os"
	"strings"

	"github.com/siderolabs/talos/pkg/machinery/cel"
	"github.com/siderolabs/talos/pkg/machinery/cel/celenv"
	"github.com/siderolabs/talos/pkg/machinery/config/config"
	"github.com/siderolabs/talos/pkg/machinery/config/types/network"
	"github.com/siderolabs/talos/pkg/machinery/config/types/security"

	cluster "github.com/pave-platform/pave/bootstrap/config"
	"github.com/pave-platform/pave/internal/fault"
)

// document is one YAML document of a machine config.
type document = config.Document

// lan is what the configs call the machine's one network card: the name that the
// kernel gives it depends on the slot that vSphere puts it in.
const lan = "lan"

// Driver is that of the network card that phase 1 gives a machine.
const Driver = "vmxnet3"

// documents are those that make a node the one it is: its name, its network, its
// clock and whom it trusts.
func (g *Generator) documents(n cluster.Node) ([]document, error) {
	hostname := network.NewHostnameConfigV1Alpha1()
	hostname.ConfigHostname = string(n.Name)
	match, err := cel.ParseBooleanExpression(`link.driver == "`+Driver+`"`, celenv.LinkLocator())
	if err != nil {
		return nil, err
	}
	alias := network.NewLinkAliasConfigV1Alpha1(lan)
	alias.Selector.Match = match
	link, err := addressing(n)
	if err != nil {
		return nil, err
	}
	all := []document{hostname, alias, link}
	if vip := g.cluster.Spec.VIP; vip != "" && n.Role == cluster.ControlPlane {
		shared := network.NewLayer2VIPConfigV1Alpha1(string(vip))
		shared.LinkName = lan
		all = append(all, shared)
	}
	resolver, err := resolving(g.cluster.Spec.Network)
	if err != nil {
		return nil, err
	}
	if resolver != nil {
		all = append(all, resolver)
	}
	if ntp := g.cluster.Spec.Network.NTP; len(ntp) > 0 {
		clock := network.NewTimeSyncConfigV1Alpha1()
		clock.TimeNTP = &network.NTPConfig{Servers: texts(ntp)}
		all = append(all, clock)
	}
	if g.roots != "" {
		roots := security.NewTrustedRootsConfigV1Alpha1()
		roots.MetaName = "platform-ca"
		roots.Certificates = g.roots
		all = append(all, roots)
	}
	return all, nil
}

// addressing is how the node gets its address.
func addressing(n cluster.Node) (document, error) {
	if n.Address == "" {
		return network.NewDHCPv4ConfigV1Alpha1(lan), nil
	}
	address, err := netip.ParsePrefix(string(n.Address))
	if err != nil {
		return nil, err
	}
	gateway, err := netip.ParseAddr(string(n.Gateway))
	if err != nil {
		return nil, err
	}
	link := network.NewLinkConfigV1Alpha1(lan)
	link.LinkAddresses = []network.AddressConfig{{AddressAddress: address}}
	link.LinkRoutes = []network.RouteConfig{{RouteGateway: network.Addr{Addr: gateway}}}
	return link, nil
}

// resolving is where the node looks names up; nil leaves it to DHCP.
func resolving(n cluster.Network) (document, error) {
	if len(n.DNS) == 0 && len(n.SearchDomains) == 0 {
		return nil, nil
	}
	resolver := network.NewResolverConfigV1Alpha1()
	for _, server := range n.DNS {
		address, err := netip.ParseAddr(string(server))
		if err != nil {
			return nil, err
		}
		resolver.ResolverNameservers = append(resolver.ResolverNameservers, network.NameserverConfig{Address: network.Addr{Addr: address}})
	}
	resolver.ResolverSearchDomains.SearchDomains = texts(n.SearchDomains)
	return resolver, nil
}

func texts[S ~string](list []S) []string {
	var all []string
	for _, s := range list {
		all = append(all, string(s))
	}
	return all
}

// trusted reads the CA files that cluster.yaml names.
func trusted(c *cluster.Cluster) (string, error) {
	var all strings.Builder
	for _, path := range c.Spec.TrustedCAs {
		content, err := os.ReadFile(c.Path(path))
		if err != nil {
			return "", fault.Inputf("spec.trustedCAs: %w", err)
		}
		found := false
		for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
			if block.Type != "CERTIFICATE" {
				return "", fault.Inputf("spec.trustedCAs: %s holds a %s", path, block.Type).Fix("give a file with certificates and nothing else")
			}
			if _, err := x509.ParseCertificate(block.Bytes); err != nil {
				return "", fault.Inputf("spec.trustedCAs: %s: %w", path, err)
			}
			all.Write(pem.EncodeToMemory(block))
			found = true
		}
		if !found {
			return "", fault.Inputf("spec.trustedCAs: %s holds no PEM certificate", path)
		}
	}
	return all.String(), nil
}
