// Package render turns platform.yaml into values for the base chart. It
// promises that the same application, environment and image always give the
// same values, and that the chart's schema accepts them.
//
// The values have the names and the structure of spec. They merge in this order,
// each giving way to the next:
//
//  1. the contract's defaults
//  2. spec
//  3. spec.environments.<environment>
//  4. the image of this release, by digest
//
// Groups of fields merge field by field, env name by name, and a list takes the
// place of the other list as a whole; see [contract.Application.For]. What an
// application does not switch on is written as off, or is left out where the
// chart has no default for it, and what it does switch on is written with all of
// its fields, so that a new default in a later chart never changes an
// application unasked.
package render

import (
	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
)

// fields is a group of values.
type fields = map[string]any

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
	values := spec(s)
	identify(values, a.Metadata, string(e))
	values["image"] = fields{"repository": repository, "digest": ref.DigestStr()}
	return values, nil
}

// identify adds whose application it is.
func identify(values fields, m contract.Metadata, environment string) {
	values["name"] = string(m.Name)
	values["team"] = string(m.Team)
	values["project"] = string(m.Project)
	values["environment"] = environment
}

// spec gives the values that have the names of spec.
func spec(s contract.Spec) fields {
	values := fields{
		"port":      int(s.Port),
		"ports":     list(s.Ports, port),
		"env":       env(s.Env),
		"secrets":   list(s.Secrets, secret),
		"database":  database(s.Database),
		"messaging": messaging(s.Messaging),
		"storage":   list(s.Storage, storage),
		"writable":  list(s.Writable, text),
		"resources": resources(s.Resources),
		"probes":    probes(s.Probes),
		"egress":    list(s.Egress, egress),
		"rollout":   rollout(s.Rollout),
		"alerts":    list(s.Alerts, alert),
		"metrics":   metrics(s.Metrics),
		"reload":    *s.Reload,
	}
	if s.Ingress != nil {
		values["ingress"] = fields{"host": string(s.Ingress.Host), "tls": *s.Ingress.TLS}
	}
	scaling(values, s)
	return values
}

func list[T any](items []T, value func(T) any) []any {
	all := make([]any, 0, len(items))
	for _, item := range items {
		all = append(all, value(item))
	}
	return all
}

func text[T ~string](s T) any { return string(s) }

func number[N ~int](n N) any { return int(n) }

func env(variables map[contract.EnvName]contract.EnvValue) fields {
	all := make(fields, len(variables))
	for name, value := range variables {
		all[string(name)] = string(value)
	}
	return all
}

// given adds a text that is not empty.
func given[T ~string](f fields, name string, value T) {
	if value != "" {
		f[name] = string(value)
	}
}

// set adds a number that is not 0.
func set[N ~int](f fields, name string, value N) {
	if value != 0 {
		f[name] = int(value)
	}
}
