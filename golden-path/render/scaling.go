package render

import "github.com/pave-platform/pave/golden-path/contract"

// scaling adds what decides on the number and the size of the pods. Autoscaling
// takes the place of replicas.
func scaling(values fields, s contract.Spec) {
	if a := s.Autoscaling; a != nil {
		limits := fields{"minReplicas": int(a.MinReplicas), "maxReplicas": int(a.MaxReplicas)}
		set(limits, "cpu", a.CPU)
		set(limits, "memory", a.Memory)
		values["autoscaling"] = limits
	} else {
		values["replicas"] = int(s.Replicas)
	}
	if s.VerticalScaling != nil {
		values["verticalScaling"] = fields{"mode": string(s.VerticalScaling.Mode)}
	}
	if s.Disruption != nil {
		values["disruption"] = fields{"maxUnavailable": int(s.Disruption.MaxUnavailable)}
	}
}

func resources(r contract.Resources) fields {
	return fields{"requests": amounts(r.Requests), "limits": amounts(r.Limits)}
}

func amounts(a contract.Amounts) fields {
	return fields{"cpu": a.CPU.Canonical(), "memory": a.Memory.Canonical()}
}
