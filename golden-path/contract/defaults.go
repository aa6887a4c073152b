package contract

import "cmp"

// What holds where neither spec nor the environment says otherwise.
const (
	DefaultPort     Port     = 8080
	DefaultReplicas Replicas = 1

	defaultRequestCPU    CPU    = "50m"
	defaultRequestMemory Memory = "64Mi"
	defaultLimitCPU      CPU    = "500m"
	defaultLimitMemory   Memory = "256Mi"

	defaultCPUPercent Percent = 70

	defaultClass         ObjectName = "longhorn"
	defaultDatabaseSize  Size       = "10Gi"
	defaultMessagingSize Size       = "5Gi"
	defaultSchedule      Schedule   = "0 0 2 * * *"
	defaultRetention     Retention  = "30d"

	defaultScaleDownDelay Duration = "30s"
	defaultPause          Pause    = "5m"

	defaultFor         Duration    = "5m"
	defaultMetricsPath HTTPPath    = "/metrics"
	defaultMetricsPort MetricsPort = httpPortName
)

// complete fills in what the file leaves open. It copies what it changes, since
// s shares it with the application.
func (s Spec) complete() Spec {
	yes, no := true, false
	s.Port = cmp.Or(s.Port, DefaultPort)
	s.Resources = s.Resources.complete()
	s.Reload = cmp.Or(s.Reload, &no)
	var pods Replicas
	if s.Autoscaling == nil {
		s.Replicas = cmp.Or(s.Replicas, DefaultReplicas)
		pods = s.Replicas
	} else {
		a := *s.Autoscaling
		a.MinReplicas = cmp.Or(a.MinReplicas, DefaultReplicas)
		if a.CPU == 0 && a.Memory == 0 {
			a.CPU = defaultCPUPercent
		}
		s.Autoscaling, pods = &a, a.MinReplicas
	}
	if s.VerticalScaling != nil {
		s.VerticalScaling = &VerticalScaling{Mode: cmp.Or(s.VerticalScaling.Mode, ScalingOff)}
	}
	switch {
	case s.Disruption != nil:
		s.Disruption = &Disruption{MaxUnavailable: cmp.Or(s.Disruption.MaxUnavailable, 1)}
	case pods > 1:
		s.Disruption = &Disruption{MaxUnavailable: 1}
	}
	if s.Ingress != nil {
		s.Ingress = &Ingress{Host: s.Ingress.Host, TLS: cmp.Or(s.Ingress.TLS, &yes)}
	}
	if s.Database != nil {
		s.Database = s.Database.complete()
	}
	if s.Messaging != nil {
		m := *s.Messaging
		m.Replicas = cmp.Or(m.Replicas, 1)
		m.Storage = m.Storage.complete(defaultMessagingSize)
		s.Messaging = &m
	}
	s.Storage = each(s.Storage, func(v Storage) Storage {
		v.Class, v.AccessMode = cmp.Or(v.Class, defaultClass), cmp.Or(v.AccessMode, ReadWriteOnce)
		return v
	})
	s.Alerts = each(s.Alerts, func(a Alert) Alert {
		a.For, a.Severity = cmp.Or(a.For, defaultFor), cmp.Or(a.Severity, Warning)
		return a
	})
	s.Rollout = s.Rollout.complete()
	if s.Metrics != nil {
		m := *s.Metrics
		m.Path, m.Port = cmp.Or(m.Path, defaultMetricsPath), cmp.Or(m.Port, defaultMetricsPort)
		s.Metrics = &m
	}
	return s
}

func (d Database) complete() *Database {
	d.Instances = cmp.Or(d.Instances, 1)
	d.Storage = d.Storage.complete(defaultDatabaseSize)
	if d.Backup != nil {
		b := *d.Backup
		b.Schedule, b.Retention = cmp.Or(b.Schedule, defaultSchedule), cmp.Or(b.Retention, defaultRetention)
		d.Backup = &b
	}
	return &d
}

func (r Rollout) complete() Rollout {
	r.Strategy = cmp.Or(r.Strategy, Rolling)
	switch {
	case r.Strategy == CanaryWay && r.Canary == nil:
		fifth, half := Weight(20), Weight(50)
		r.Canary = &Canary{Steps: []CanaryStep{{Weight: &fifth}, {Pause: defaultPause}, {Weight: &half}, {Pause: defaultPause}}}
	case r.Strategy == BlueGreenWay:
		var b BlueGreen
		if r.BlueGreen != nil {
			b = *r.BlueGreen
		}
		no := false
		r.BlueGreen = &BlueGreen{
			AutoPromote: cmp.Or(b.AutoPromote, &no), ScaleDownDelay: cmp.Or(b.ScaleDownDelay, defaultScaleDownDelay),
		}
	}
	return r
}

func (v Volume) complete(size Size) Volume {
	return Volume{Size: cmp.Or(v.Size, size), Class: cmp.Or(v.Class, defaultClass)}
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

func each[T any](list []T, change func(T) T) []T {
	var all []T
	for _, item := range list {
		all = append(all, change(item))
	}
	return all
}
