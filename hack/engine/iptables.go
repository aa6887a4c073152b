package main

import (
	"net/netip"
	"slices"
	"strings"
)

// undoRules gives the iptables-restore input that deletes from saved, which
// iptables-save wrote, what CNI's bridge and firewall plugins made for n. The
// firewall plugin's own chains go when no other network is in them. A network
// without a CIDR never had a container.
func (n network) undoRules(saved string) (string, error) {
	var cidr netip.Prefix
	if n.CIDR != "" {
		var err error
		if cidr, err = netip.ParsePrefix(n.CIDR); err != nil {
			return "", err
		}
	}
	var out strings.Builder
	for table := range strings.SplitSeq(saved, "COMMIT\n") {
		name, rules := parseTable(table)
		var undo []string
		switch name {
		case "nat":
			undo = undoMasquerade(rules, n.Name)
		case "filter":
			undo = undoFirewall(rules, cidr)
		}
		if len(undo) > 0 {
			out.WriteString("*" + name + "\n" + strings.Join(undo, "\n") + "\nCOMMIT\n")
		}
	}
	return out.String(), nil
}

// parseTable gives the name and the rules ("-A CHAIN …") of one saved table.
func parseTable(saved string) (name string, rules []string) {
	for line := range strings.Lines(saved) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "*"):
			name = line[1:]
		case strings.HasPrefix(line, "-A "):
			rules = append(rules, line)
		}
	}
	return name, rules
}

// undoMasquerade deletes the bridge plugin's rules: one jump per container,
// with the network's name in its comment, to a chain of its own.
func undoMasquerade(rules []string, network string) []string {
	var undo, chains []string
	for _, rule := range rules {
		if !strings.HasPrefix(rule, "-A POSTROUTING ") || !strings.Contains(rule, `name: \"`+network+`\" id: `) {
			continue
		}
		undo = append(undo, "-D "+rule[len("-A "):])
		if _, chain, ok := strings.Cut(rule, " -j "); ok && strings.HasPrefix(chain, "CNI-") {
			chains = append(chains, chain)
		}
	}
	for _, c := range chains {
		undo = append(undo, "-F "+c, "-X "+c)
	}
	return undo
}

// undoFirewall deletes the firewall plugin's rules for addresses in cidr, and
// its chains when those were the last ones.
func undoFirewall(rules []string, cidr netip.Prefix) []string {
	var undo []string
	present, others := false, false
	for _, rule := range rules {
		switch {
		case strings.Contains(rule, " -j CNI-FORWARD") || strings.Contains(rule, " -j CNI-ADMIN"):
			present = true
		case strings.HasPrefix(rule, "-A CNI-ADMIN "):
			others = true
		case strings.HasPrefix(rule, "-A CNI-FORWARD ") && ruleWithin(rule, cidr):
			undo = append(undo, "-D "+rule[len("-A "):])
		case strings.HasPrefix(rule, "-A CNI-FORWARD "):
			others = true
		}
	}
	if !present || others {
		return undo
	}
	for _, rule := range rules {
		if strings.Contains(rule, " -j CNI-FORWARD") {
			undo = append(undo, "-D "+rule[len("-A "):])
		}
	}
	return append(undo, "-F CNI-FORWARD", "-F CNI-ADMIN", "-X CNI-FORWARD", "-X CNI-ADMIN")
}

// ruleWithin says whether the rule is about one address in cidr.
func ruleWithin(rule string, cidr netip.Prefix) bool {
	fields := strings.Fields(rule)
	return slices.ContainsFunc(fields, func(f string) bool {
		p, err := netip.ParsePrefix(f)
		return err == nil && p.IsSingleIP() && cidr.Contains(p.Addr())
	})
}
