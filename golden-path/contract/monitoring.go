package contract

// Alert warns the team when an expression holds.
type Alert struct {
	// Name of the alert.
	Name AlertName `yaml:"name" jsonschema:"required,example=HighErrorRate"`
	// PromQL or MetricsQL; the alert is pending while it gives a result.
	Expr Expression `yaml:"expr" jsonschema:"required,example=rate(http_requests_failed_total[5m]) > 1"`
	// How long it must hold.
	For Duration `yaml:"for" jsonschema:"default=5m"`
	// How urgent it is.
	Severity Severity `yaml:"severity" jsonschema:"default=warning"`
	// What is wrong, in a sentence.
	Summary Summary `yaml:"summary" jsonschema:"example=too many errors"`
}

// Metrics is where measurements are read in Prometheus' format.
type Metrics struct {
	// Whether they are read.
	Enabled bool `yaml:"enabled" jsonschema:"required"`
	// Path that is read.
	Path HTTPPath `yaml:"path" jsonschema:"default=/metrics"`
	// Name of the port: one of spec.ports, or http.
	Port MetricsPort `yaml:"port" jsonschema:"default=http,example=metrics"`
}
