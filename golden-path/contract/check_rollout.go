package contract

import (
	"cmp"

	"github.com/pave-platform/pave/internal/yamlfile"
)

func (c checker) rollout(r Rollout) {
	strategy := cmp.Or(r.Strategy, Rolling)
	for _, block := range []struct {
		strategy Strategy
		there    bool
	}{{CanaryWay, r.Canary != nil}, {BlueGreenWay, r.BlueGreen != nil}} {
		if block.there && block.strategy != strategy {
			c.conflict("rollout."+string(block.strategy), "belongs to another strategy than %s: set rollout.strategy to %s, or delete it", strategy, block.strategy)
		}
	}
	if r.Canary == nil || strategy != CanaryWay {
		return
	}
	last := Weight(-1)
	for i, step := range r.Canary.Steps {
		path := yamlfile.Index("rollout.canary.steps", i)
		switch {
		case step.Weight == nil && step.Pause == "":
			c.conflict(path, "is empty: give it a weight or a pause")
		case step.Weight != nil && step.Pause != "":
			c.conflict(path, "has a weight and a pause: write them as steps of their own")
		}
		if step.Weight == nil {
			continue
		}
		if *step.Weight <= last {
			c.conflict(path+".weight", "%d does not rise above %d, the weight before it", *step.Weight, last)
		}
		last = *step.Weight
	}
}
