package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
)

// remove takes from the host what an engine's container network leaves there:
// the bridge and the packet filter's rules. It runs on the engine's root, which
// has the tools for it.
func (n network) remove(ctx context.Context) error {
	if _, err := net.InterfaceByName(n.bridge()); err == nil {
		if out, err := exec.CommandContext(ctx, "ip", "link", "delete", n.bridge()).CombinedOutput(); err != nil {
			return fmt.Errorf("ip link delete %s: %w: %s", n.bridge(), err, out)
		}
	}
	saved, err := exec.CommandContext(ctx, "iptables-save").Output()
	if err != nil {
		return fmt.Errorf("iptables-save: %w", err)
	}
	undo, err := n.undoRules(string(saved))
	if err != nil || undo == "" {
		return err
	}
	var out bytes.Buffer
	restore := exec.CommandContext(ctx, "iptables-restore", "--noflush")
	restore.Stdin, restore.Stdout, restore.Stderr = strings.NewReader(undo), &out, &out
	if err := restore.Run(); err != nil {
		return fmt.Errorf("iptables-restore: %w: %s", err, out.Bytes())
	}
	return nil
}

// removeStaleNetworks removes those of our networks whose engine was killed:
// nobody holds their name, or we do, which are about to use it.
func removeStaleNetworks(ctx context.Context, own string) error {
	interfaces, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, i := range interfaces {
		match := ourBridge.FindStringSubmatch(i.Name)
		if match == nil {
			continue
		}
		if err := removeIfStale(ctx, i, match[1], own); err != nil {
			return err
		}
	}
	return nil
}

func removeIfStale(ctx context.Context, bridge net.Interface, name, own string) error {
	if name != own {
		held, err := reserve(name)
		if err != nil || held == nil {
			return err // its engine lives
		}
		defer held.Close()
	}
	addresses, err := bridge.Addrs()
	if err != nil {
		return err
	}
	return network{Name: name, CIDR: firstIPv4(addresses)}.remove(ctx)
}

// firstIPv4 gives the network of the first IPv4 address, or the empty string.
func firstIPv4(addresses []net.Addr) string {
	for _, p := range prefixes(addresses) {
		if p.Addr().Is4() {
			return p.String()
		}
	}
	return ""
}
