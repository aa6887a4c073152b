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

// For gives the spec that holds in one environment, complete with defaults.
// Defaults give way to spec, and spec to environments.<e>:
//
//   - groups of fields merge field by field, at any depth
//   - env merges name by name
//   - a list takes the place of the other list as a whole; an empty list empties it
//   - replicas and autoscaling take each other's place
//   - another rollout.strategy leaves the canary or blueGreen of spec behind
func (a *Application) For(e Environment) Spec {
	return a.merged(e).complete()
}

// merged is [Application.For] without the defaults.
func (a *Application) merged(e Environment) Spec {
	s := a.Spec
	o := s.Environments.of(e)
	s.Environments = Environments{}
	if o == nil {
		return s
	}
	switch {
	case o.Replicas != 0:
		s.Replicas, s.Autoscaling = o.Replicas, nil
	case o.Autoscaling != nil:
		s.Replicas, s.Autoscaling = 0, s.Autoscaling.with(o.Autoscaling)
	}
	s.Resources = s.Resources.with(o.Resources)
	s.Env = union(s.Env, o.Env)
	s.Ingress = s.Ingress.with(o.Ingress)
	s.Database = s.Database.with(o.Database)
	s.Rollout = s.Rollout.with(o.Rollout)
	if o.Alerts != nil {
		s.Alerts = o.Alerts
	}
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

func (a *Autoscaling) with(o *AutoscalingOverride) *Autoscaling {
	var merged Autoscaling
	if a != nil {
		merged = *a
	}
	return &Autoscaling{
		MinReplicas: cmp.Or(o.MinReplicas, merged.MinReplicas),
		MaxReplicas: cmp.Or(o.MaxReplicas, merged.MaxReplicas),
		CPU:         cmp.Or(o.CPU, merged.CPU),
		Memory:      cmp.Or(o.Memory, merged.Memory),
	}
}

func (r Resources) with(o Resources) Resources {
	return Resources{Requests: r.Requests.with(o.Requests), Limits: r.Limits.with(o.Limits)}
}

func (a Amounts) with(o Amounts) Amounts {
	return Amounts{CPU: cmp.Or(o.CPU, a.CPU), Memory: cmp.Or(o.Memory, a.Memory)}
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

// with leaves a missing database missing: an environment changes one, it does
// not add one.
func (d *Database) with(o *DatabaseOverride) *Database {
	if o == nil || d == nil {
		return d
	}
	merged := *d
	merged.Instances = cmp.Or(o.Instances, d.Instances)
	merged.Storage = Volume{Size: cmp.Or(o.Storage.Size, d.Storage.Size), Class: cmp.Or(o.Storage.Class, d.Storage.Class)}
	merged.Backup = d.Backup.with(o.Backup)
	return &merged
}

func (b *Backup) with(o *BackupOverride) *Backup {
	if o == nil {
		return b
	}
	var merged Backup
	if b != nil {
		merged = *b
	}
	if o.Enabled != nil {
		merged.Enabled = *o.Enabled
	}
	merged.Bucket = cmp.Or(o.Bucket, merged.Bucket)
	merged.Endpoint = cmp.Or(o.Endpoint, merged.Endpoint)
	merged.Secret = cmp.Or(o.Secret, merged.Secret)
	merged.Schedule = cmp.Or(o.Schedule, merged.Schedule)
	merged.Retention = cmp.Or(o.Retention, merged.Retention)
	return &merged
}

func (r Rollout) with(o *Rollout) Rollout {
	if o == nil {
		return r
	}
	if o.Strategy != "" && o.Strategy != r.Strategy {
		r = Rollout{Strategy: o.Strategy}
	}
	r.Canary = cmp.Or(o.Canary, r.Canary)
	if o.BlueGreen != nil {
		var merged BlueGreen
		if r.BlueGreen != nil {
			merged = *r.BlueGreen
		}
		r.BlueGreen = &BlueGreen{
			AutoPromote:    cmp.Or(o.BlueGreen.AutoPromote, merged.AutoPromote),
			ScaleDownDelay: cmp.Or(o.BlueGreen.ScaleDownDelay, merged.ScaleDownDelay),
		}
	}
	return r
}
