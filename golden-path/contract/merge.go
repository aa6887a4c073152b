package contract

import (
	"cmp"
	"maps"

	"github.com/pave-platform/pave/internal/fault"
)

// Environment is where an application runs.
type Environment string

// The environments of the platform.
const (
	Staging    Environment = "staging"
	Production Environment = "production"
)

// ParseEnvironment reads the name of an environment.
func ParseEnvironment(s string) (Environment, error) {
	switch e := Environment(s); e {
	case Staging, Production:
		return e, nil
	}
	return "", fault.Inputf("environment %q is not known", s).Fix("use %s or %s", Staging, Production)
}

// What holds where neither spec nor the environment says otherwise.
const (
	DefaultPort          Port     = 8080
	DefaultReplicas      Replicas = 1
	defaultRequestCPU    CPU      = "50m"
	defaultRequestMemory Memory   = "64Mi"
	defaultLimitCPU      CPU      = "500m"
	defaultLimitMemory   Memory   = "256Mi"
)

// For gives the spec that holds in one environment, complete with defaults.
// Defaults give way to spec, and spec to environments.<e>: scalar by scalar in
// groups of fields, name by name in env.
func (a *Application) For(e Environment) Spec {
	s := a.Spec
	if o := s.Environments.of(e); o != nil {
		s.Replicas = cmp.Or(o.Replicas, s.Replicas)
		s.Resources = s.Resources.with(o.Resources)
		s.Env = union(s.Env, o.Env)
		s.Ingress = s.Ingress.with(o.Ingress)
	}
	s.Environments = Environments{}
	s.Port = cmp.Or(s.Port, DefaultPort)
	s.Replicas = cmp.Or(s.Replicas, DefaultReplicas)
	s.Resources = s.Resources.complete()
	return s
}

func (es Environments) of(e Environment) *Override {
	switch e {
	case Staging:
		return es.Staging
	case Production:
		return es.Production
	}
	return nil
}

func (r Resources) with(o Resources) Resources {
	return Resources{Requests: r.Requests.with(o.Requests), Limits: r.Limits.with(o.Limits)}
}

func (a Amounts) with(o Amounts) Amounts {
	return Amounts{CPU: cmp.Or(o.CPU, a.CPU), Memory: cmp.Or(o.Memory, a.Memory)}
}

// complete fills in the defaults. Where a team sets a request above the default
// limit, or a limit below the default request, the default follows.
func (r Resources) complete() Resources {
	r.Requests.CPU, r.Limits.CPU = pair(r.Requests.CPU, r.Limits.CPU, defaultRequestCPU, defaultLimitCPU)
	r.Requests.Memory, r.Limits.Memory = pair(r.Requests.Memory, r.Limits.Memory, defaultRequestMemory, defaultLimitMemory)
	return r
}

func pair[Q quantity](request, limit, defaultRequest, defaultLimit Q) (Q, Q) {
	if limit != "" && more(defaultRequest, limit) {
		defaultRequest = limit
	}
	if request != "" && more(request, defaultLimit) {
		defaultLimit = request
	}
	return cmp.Or(request, defaultRequest), cmp.Or(limit, defaultLimit)
}

func union(base, over map[EnvName]EnvValue) map[EnvName]EnvValue {
	all := make(map[EnvName]EnvValue, len(base)+len(over))
	maps.Copy(all, base)
	maps.Copy(all, over)
	return all
}

func (i *Ingress) with(o *IngressOverride) *Ingress {
	if o == nil {
		return i
	}
	var merged Ingress
	if i != nil {
		merged = *i
	}
	merged.Host = cmp.Or(o.Host, merged.Host)
	merged.TLS = cmp.Or(o.TLS, merged.TLS)
	return &merged
}
