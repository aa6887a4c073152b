package render

import "github.com/pave-platform/pave/golden-path/contract"

func port(p contract.NamedPort) any {
	return fields{"name": string(p.Name), "port": int(p.Port)}
}

func egress(e contract.Egress) any {
	f := fields{"name": string(e.Name), "ports": list(e.Ports, number)}
	given(f, "cidr", e.CIDR)
	given(f, "namespace", e.Namespace)
	given(f, "app", e.App)
	return f
}

func probes(p contract.Probes) fields {
	all := fields{"liveness": probe(p.Liveness), "readiness": probe(p.Readiness)}
	if p.Startup != nil {
		all["startup"] = probe(p.Startup)
	}
	return all
}

func probe(p *contract.Probe) fields {
	f := fields{}
	if p == nil {
		return f
	}
	given(f, "path", p.Path)
	set(f, "initialDelaySeconds", p.InitialDelaySeconds)
	set(f, "periodSeconds", p.PeriodSeconds)
	set(f, "timeoutSeconds", p.TimeoutSeconds)
	set(f, "failureThreshold", p.FailureThreshold)
	return f
}
