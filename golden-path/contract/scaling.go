package contract

// Resources are what the container is promised and what it may not exceed.
type Resources struct {
	// What the container is promised; by default 50m of CPU and 64Mi of memory.
	Requests Amounts `yaml:"requests"`
	// What the container may not exceed; by default 500m of CPU and 256Mi of memory.
	Limits Amounts `yaml:"limits"`
}

// Amounts are a share of a node.
type Amounts struct {
	// Cores, or thousandths as in 500m; above its limit the container is slowed down.
	CPU CPU `yaml:"cpu"`
	// Memory with its unit; above its limit the container is killed.
	Memory Memory `yaml:"memory" jsonschema:"example=512Mi"`
}

// Autoscaling keeps the pods' use near a percentage of what they request.
type Autoscaling struct {
	// Fewest pods.
	MinReplicas Replicas `yaml:"minReplicas" jsonschema:"default=1,example=2"`
	// Most pods.
	MaxReplicas Replicas `yaml:"maxReplicas" jsonschema:"required,example=6"`
	// CPU that the pods shall use, in percent of what they request; 70 where memory is not given either.
	CPU Percent `yaml:"cpu" jsonschema:"example=70"`
	// Memory that the pods shall use, in percent of what they request.
	Memory Percent `yaml:"memory" jsonschema:"example=80"`
}

// VerticalScaling has the pods' resources measured.
type VerticalScaling struct {
	// Off only advises, Initial sizes new pods, Recreate also restarts pods to size them.
	Mode ScalingMode `yaml:"mode" jsonschema:"default=Off"`
}

// Disruption is what the maintenance of nodes may take away.
type Disruption struct {
	// Pods that may be away at the same time.
	MaxUnavailable Replicas `yaml:"maxUnavailable" jsonschema:"default=1"`
}
