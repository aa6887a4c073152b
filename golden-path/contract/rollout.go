package contract

// Rollout is how a new version takes over.
type Rollout struct {
	// Pod by pod (rolling, what holds without it), by a growing share of the requests, or all at once after a check.
	Strategy Strategy `yaml:"strategy" jsonschema:"example=canary"`
	// Steps of the strategy canary; by default 20 and 50 percent, with a pause of 5m after each.
	Canary *Canary `yaml:"canary"`
	// Switch of the strategy blueGreen.
	BlueGreen *BlueGreen `yaml:"blueGreen"`
}

// Canary sends a growing share of the requests to the new version.
type Canary struct {
	// Steps in their order; after the last one the new version gets everything.
	Steps []CanaryStep `yaml:"steps" jsonschema:"required,minItems=1,maxItems=50"`
}

// CanaryStep is either a weight or a pause.
type CanaryStep struct {
	// Percentage of the requests that the new version gets from here on.
	Weight *Weight `yaml:"weight" jsonschema:"oneof_required=weight,example=20"`
	// How long to wait, or manual to wait for a promotion.
	Pause Pause `yaml:"pause" jsonschema:"oneof_required=pause,example=5m"`
}

// BlueGreen starts the new version beside the old one and then switches.
type BlueGreen struct {
	// Switch as soon as the new version is ready; false waits for a promotion.
	AutoPromote *bool `yaml:"autoPromote" jsonschema:"default=false"`
	// How long the old version stays after the switch.
	ScaleDownDelay Duration `yaml:"scaleDownDelay" jsonschema:"default=30s"`
}
