// Package render turns platform.yaml into values for the base chart. It
// promises that the same application, environment and image always give the
// same values, and that the chart's schema accepts them.
//
// Values merge in this order, each giving way to the next:
//
//  1. the contract's defaults
//  2. spec
//  3. spec.environments.<environment>
//  4. the image of this release, by digest
//
// The first three merge scalar by scalar inside groups of fields and name by
// name in env; see [contract.Application.For]. Every value that the chart knows
// and an application can set is written out, so that a new default in a later
// chart never changes an application unasked.
package render

import (
	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
)

// Values gives the values of the chart for one environment. image is a
// reference by digest, registry/project/app@sha256:…; where the contract names
// a repository, it must be from there. The values hold only what JSON has:
// maps, slices, strings, integers and booleans.
func Values(a *contract.Application, e contract.Environment, image string) (map[string]any, error) {
	ref, err := registry.ParseDigest(image)
	if err != nil {
		return nil, err
	}
	s := a.For(e)
	repository := ref.Context().Name()
	if want := string(s.Image.Repository); want != "" && want != repository {
		return nil, fault.Inputf("image %s is not from %s, the repository in spec.image", image, want).
			Fix("publish it there, or change spec.image.repository")
	}
	values := map[string]any{
		"name":        string(a.Metadata.Name),
		"team":        string(a.Metadata.Team),
		"project":     string(a.Metadata.Project),
		"environment": string(e),
		"image":       map[string]any{"repository": repository, "digest": ref.DigestStr()},
		"replicas":    int(s.Replicas),
		"port":        int(s.Port),
		"ports":       ports(s.Ports),
		"env":         env(s.Env),
		"secrets":     secrets(s.Secrets),
		"resources":   resources(s.Resources),
		"probes":      probes(s.Probes),
	}
	if s.Ingress != nil {
		values["ingress"] = ingress(*s.Ingress)
	}
	return values, nil
}

func ports(list []contract.NamedPort) []any {
	all := make([]any, 0, len(list))
	for _, p := range list {
		all = append(all, map[string]any{"name": string(p.Name), "port": int(p.Port)})
	}
	return all
}

func env(variables map[contract.EnvName]contract.EnvValue) map[string]any {
	all := make(map[string]any, len(variables))
	for name, value := range variables {
		all[string(name)] = string(value)
	}
	return all
}

func secrets(list []contract.Secret) []any {
	all := make([]any, 0, len(list))
	for _, s := range list {
		all = append(all, map[string]any{"name": string(s.Name)})
	}
	return all
}

func resources(r contract.Resources) map[string]any {
	return map[string]any{"requests": amounts(r.Requests), "limits": amounts(r.Limits)}
}

func amounts(a contract.Amounts) map[string]any {
	return map[string]any{"cpu": a.CPU.Canonical(), "memory": a.Memory.Canonical()}
}

func ingress(i contract.Ingress) map[string]any {
	return map[string]any{"host": string(i.Host), "tls": i.TLS == nil || *i.TLS}
}

func probes(p contract.Probes) map[string]any {
	all := map[string]any{"liveness": probe(p.Liveness), "readiness": probe(p.Readiness)}
	if p.Startup != nil {
		all["startup"] = probe(p.Startup)
	}
	return all
}

func probe(p *contract.Probe) map[string]any {
	fields := map[string]any{}
	if p == nil {
		return fields
	}
	if p.Path != "" {
		fields["path"] = string(p.Path)
	}
	for name, n := range map[string]int{
		"initialDelaySeconds": int(p.InitialDelaySeconds),
		"periodSeconds":       int(p.PeriodSeconds),
		"timeoutSeconds":      int(p.TimeoutSeconds),
		"failureThreshold":    int(p.FailureThreshold),
	} {
		if n > 0 {
			fields[name] = n
		}
	}
	return fields
}
