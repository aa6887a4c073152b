package render

import "github.com/pave-platform/pave/golden-path/contract"

func rollout(r contract.Rollout) fields {
	f := fields{"strategy": string(r.Strategy)}
	switch r.Strategy {
	case contract.CanaryWay:
		f["canary"] = fields{"steps": list(r.Canary.Steps, step)}
	case contract.BlueGreenWay:
		f["blueGreen"] = fields{"autoPromote": *r.BlueGreen.AutoPromote, "scaleDownDelay": string(r.BlueGreen.ScaleDownDelay)}
	}
	return f
}

func step(s contract.CanaryStep) any {
	if s.Weight != nil {
		return fields{"weight": int(*s.Weight)}
	}
	return fields{"pause": string(s.Pause)}
}
