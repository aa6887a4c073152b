package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"syscall"
)

// network is what the containers of one engine share. The engine adds "0" to
// the name for its bridge.
//
// Engines that see different file systems and process tables may still share
// one network stack, so who has which network is agreed on there: by abstract
// Unix sockets, which end with the process that holds them.
type network struct {
	Name string `json:"name"`
	CIDR string `json:"cidr"`
}

func (n network) bridge() string { return n.Name + "0" }

// ourBridge tells the bridges of our engines from all others.
var ourBridge = regexp.MustCompile(`^(dg[0-9a-f]{8})0$`)

// networkName gives the n-th choice of a name for an instance; with its "0" it
// fits in an interface's name (15 bytes).
func networkName(instance string, n int) string {
	return fmt.Sprintf("dg%x", sha256.Sum256(fmt.Appendf(nil, "%s %d", instance, n)))[:10]
}

// reserveNetwork chooses a network that no other engine has and that overlaps
// no interface. It is ours while a process holds the files.
func reserveNetwork(instance string) (network, []*os.File, error) {
	var n network
	var held []*os.File
	for try := 0; n.Name == ""; try++ {
		name := networkName(instance, try)
		f, err := reserve(name)
		if err != nil {
			return n, nil, err
		}
		if f != nil {
			n.Name, held = name, append(held, f)
		}
	}
	taken, err := interfaceNetworks()
	if err != nil {
		return n, held, err
	}
	for _, cidr := range freeCIDRs(taken) {
		f, err := reserve(cidr)
		if err != nil {
			return n, held, err
		}
		if f != nil {
			n.CIDR = cidr
			return n, append(held, f), nil
		}
	}
	return n, held, errors.New("no network is free for containers")
}

// reserve takes a name in this network stack, or gives nil if it is taken.
func reserve(name string) (*os.File, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: "@pave-engine/" + name})
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = l.Close() }() // the file keeps the socket
	return l.File()
}

// freeCIDRs gives, from Dagger's own 10.87.0.0/16 on, the networks that none of
// the taken ones overlaps.
func freeCIDRs(taken []netip.Prefix) []string {
	var free []string
	for _, block := range []struct{ first, from, to byte }{{10, 87, 127}, {172, 20, 31}} {
		for second := block.from; second <= block.to; second++ {
			candidate := netip.PrefixFrom(netip.AddrFrom4([4]byte{block.first, second, 0, 0}), 16)
			overlaps := false
			for _, t := range taken {
				overlaps = overlaps || t.Overlaps(candidate)
			}
			if !overlaps {
				free = append(free, candidate.String())
			}
		}
	}
	return free
}

func interfaceNetworks() ([]netip.Prefix, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	return prefixes(addresses), nil
}

func prefixes(addresses []net.Addr) []netip.Prefix {
	var all []netip.Prefix
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			all = append(all, p.Masked())
		}
	}
	return all
}
