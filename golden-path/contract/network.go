package contract

// NamedPort is a TCP port besides the HTTP one.
type NamedPort struct {
	// Name of the port, other than http.
	Name PortName `yaml:"name" jsonschema:"required,example=metrics"`
	// Number of the port.
	Port Port `yaml:"port" jsonschema:"required,example=9090"`
}

// Ingress makes the application reachable from outside the cluster.
type Ingress struct {
	// Host name, without scheme, port and path.
	Host Host `yaml:"host" jsonschema:"required,example=hello-go.apps.example.internal"`
	// Serve https with a certificate of the platform; false is plain http.
	TLS *bool `yaml:"tls" jsonschema:"default=true"`
}

// Egress is one destination that the application calls: addresses outside the
// cluster, or an application in one of its namespaces.
type Egress struct {
	// Name of the destination, for people.
	Name Label `yaml:"name" jsonschema:"required,example=erp"`
	// Network outside the cluster.
	CIDR CIDR `yaml:"cidr" jsonschema:"oneof_required=cidr,example=10.20.0.0/16"`
	// Namespace inside the cluster.
	Namespace Label `yaml:"namespace" jsonschema:"oneof_required=namespace,example=shop-staging"`
	// Application in that namespace; without it every pod there.
	App Label `yaml:"app" jsonschema:"example=orders"`
	// TCP ports of the destination.
	Ports []TargetPort `yaml:"ports" jsonschema:"required,minItems=1"`
}

// Probes are how the platform sees that the application is well. Liveness
// restarts it, readiness takes it out of the Service, startup holds the other
// two back while it starts.
type Probes struct {
	// When it fails the container is restarted.
	Liveness *Probe `yaml:"liveness"`
	// While it fails the pod gets no requests.
	Readiness *Probe `yaml:"readiness"`
	// Holds back the other two while the application starts.
	Startup *Probe `yaml:"startup"`
}

// Probe asks the HTTP port. Zero values leave Kubernetes' own defaults.
type Probe struct {
	// Path that is asked over HTTP; without it the probe only opens a TCP connection.
	Path HTTPPath `yaml:"path" jsonschema:"example=/healthz"`
	// Seconds before the first try.
	InitialDelaySeconds Seconds `yaml:"initialDelaySeconds" jsonschema:"example=5"`
	// Seconds between tries.
	PeriodSeconds Seconds `yaml:"periodSeconds" jsonschema:"example=10"`
	// Seconds that a try may take.
	TimeoutSeconds Seconds `yaml:"timeoutSeconds" jsonschema:"example=2"`
	// Failed tries in a row that count as a failure.
	FailureThreshold Threshold `yaml:"failureThreshold" jsonschema:"example=3"`
}
