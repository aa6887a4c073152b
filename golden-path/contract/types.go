package contract

// A field's yaml tag is its name in the file; its pave tag says "required"
// where the file must have it. Every scalar type holds its own rule, see
// scalars.go.

// Application is a whole platform.yaml.
type Application struct {
	APIVersion APIVersion `yaml:"apiVersion" pave:"required"`
	Kind       Kind       `yaml:"kind" pave:"required"`
	Metadata   Metadata   `yaml:"metadata" pave:"required"`
	Spec       Spec       `yaml:"spec" pave:"required"`
}

// Metadata says whose application it is.
type Metadata struct {
	Name    Name `yaml:"name" pave:"required"`
	Team    Name `yaml:"team" pave:"required"`
	Project Name `yaml:"project" pave:"required"`
}

// Spec says what the application needs. A zero value is a field that the file
// does not set; [Application.For] fills it in.
type Spec struct {
	Image        Image                `yaml:"image"`
	Port         Port                 `yaml:"port"`
	Ports        []NamedPort          `yaml:"ports"`
	Ingress      *Ingress             `yaml:"ingress"`
	Env          map[EnvName]EnvValue `yaml:"env"`
	Secrets      []Secret             `yaml:"secrets"`
	Replicas     Replicas             `yaml:"replicas"`
	Resources    Resources            `yaml:"resources"`
	Probes       Probes               `yaml:"probes"`
	Environments Environments         `yaml:"environments"`
}

// Image pins where the image may come from. The pipeline adds the digest.
type Image struct {
	Repository Repository `yaml:"repository"`
}

// NamedPort is a TCP port besides the HTTP one.
type NamedPort struct {
	Name PortName `yaml:"name" pave:"required"`
	Port Port     `yaml:"port" pave:"required"`
}

// Ingress makes the application reachable from outside the cluster.
type Ingress struct {
	Host Host  `yaml:"host" pave:"required"`
	TLS  *bool `yaml:"tls"` // nil means true
}

// Secret names a Kubernetes Secret in the project's namespace; each of its keys
// becomes an environment variable.
type Secret struct {
	Name ObjectName `yaml:"name" pave:"required"`
}

// Resources are what the container is promised and what it may not exceed.
type Resources struct {
	Requests Amounts `yaml:"requests"`
	Limits   Amounts `yaml:"limits"`
}

// Amounts are a share of a node.
type Amounts struct {
	CPU    CPU    `yaml:"cpu"`
	Memory Memory `yaml:"memory"`
}

// Probes are how the platform sees that the application is well. Liveness
// restarts it, readiness takes it out of the Service, startup holds the other
// two back while it starts.
type Probes struct {
	Liveness  *Probe `yaml:"liveness"`
	Readiness *Probe `yaml:"readiness"`
	Startup   *Probe `yaml:"startup"`
}

// Probe asks the HTTP port. Zero values leave Kubernetes' own defaults.
type Probe struct {
	Path                HTTPPath  `yaml:"path"` // empty: open a TCP connection only
	InitialDelaySeconds Seconds   `yaml:"initialDelaySeconds"`
	PeriodSeconds       Seconds   `yaml:"periodSeconds"`
	TimeoutSeconds      Seconds   `yaml:"timeoutSeconds"`
	FailureThreshold    Threshold `yaml:"failureThreshold"`
}

// Environments are the overrides per environment.
type Environments struct {
	Staging    *Override `yaml:"staging"`
	Production *Override `yaml:"production"`
}

// Override is what one environment does differently.
type Override struct {
	Replicas  Replicas             `yaml:"replicas"`
	Resources Resources            `yaml:"resources"`
	Env       map[EnvName]EnvValue `yaml:"env"`
	Ingress   *IngressOverride     `yaml:"ingress"`
}

// IngressOverride changes the ingress, or adds one when it has a host.
type IngressOverride struct {
	Host Host  `yaml:"host"`
	TLS  *bool `yaml:"tls"`
}
