package contract

import (
	"strings"

	"github.com/pave-platform/pave/internal/yamlfile"
)

func (c checker) ports(s Spec) {
	names := map[PortName]int{}
	numbers := map[Port]string{s.complete().Port: "spec.port"}
	for i, p := range s.Ports {
		path := yamlfile.Index("ports", i)
		if first, taken := names[p.Name]; taken {
			c.conflict(path+".name", "%s is the name of spec.%s already", p.Name, yamlfile.Index("ports", first))
		} else {
			names[p.Name] = i
		}
		if owner, taken := numbers[p.Port]; taken {
			c.conflict(path+".port", "%d is the port of %s already", p.Port, owner)
		} else {
			numbers[p.Port] = "spec." + path
		}
	}
}

func (c checker) ingress(s Spec) {
	if s.Ingress == nil {
		return
	}
	host := s.Ingress.Host
	if host == "" {
		c.conflict("ingress", "has no host, and spec.ingress gives none")
		return
	}
	if len(c.known.domains) == 0 {
		return
	}
	allowed := make([]string, 0, len(c.known.domains))
	for _, domain := range c.known.domains {
		if strings.HasSuffix(string(host), "."+string(domain)) {
			return
		}
		allowed = append(allowed, "*."+string(domain))
	}
	c.conflict("ingress.host", "%q is outside the platform's domains (allowed: %s)", host, strings.Join(allowed, ", "))
}

func (c checker) egress(s Spec) {
	names := map[Label]int{}
	for i, e := range s.Egress {
		path := yamlfile.Index("egress", i)
		if first, taken := names[e.Name]; taken {
			c.conflict(path+".name", "%s is the name of spec.%s already", e.Name, yamlfile.Index("egress", first))
		} else {
			names[e.Name] = i
		}
		switch {
		case e.CIDR == "" && e.Namespace == "":
			c.conflict(path, "has no destination: give it a cidr, or a namespace")
		case e.CIDR != "" && e.Namespace != "":
			c.conflict(path, "has two destinations: write cidr and namespace as entries of their own")
		case e.CIDR != "" && e.App != "":
			c.conflict(path+".app", "needs a namespace: an application has no cidr of its own")
		}
		ports := map[TargetPort]bool{}
		for n, port := range e.Ports {
			if ports[port] {
				c.conflict(yamlfile.Index(path+".ports", n), "%d is given twice", port)
			}
			ports[port] = true
		}
	}
}
