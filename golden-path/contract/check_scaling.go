package contract

func (c checker) resources(r Resources) {
	if r.Limits.CPU != "" && more(r.Requests.CPU, r.Limits.CPU) {
		c.conflict("resources", "requests.cpu %s is above limits.cpu %s", r.Requests.CPU, r.Limits.CPU)
	}
	if r.Limits.Memory != "" && more(r.Requests.Memory, r.Limits.Memory) {
		c.conflict("resources", "requests.memory %s is above limits.memory %s", r.Requests.Memory, r.Limits.Memory)
	}
}

func (c checker) scaling(s Spec) {
	a := s.Autoscaling
	if a == nil {
		return
	}
	switch {
	case a.MaxReplicas == 0:
		c.conflict("autoscaling.maxReplicas", "is missing")
	case a.MinReplicas > a.MaxReplicas:
		c.conflict("autoscaling", "minReplicas %d is above maxReplicas %d", a.MinReplicas, a.MaxReplicas)
	}
	if v := s.VerticalScaling; v != nil && v.Mode != "" && v.Mode != ScalingOff {
		c.conflict("verticalScaling.mode", "%s changes the requests that autoscaling measures by: use Off, or delete autoscaling", v.Mode)
	}
}
