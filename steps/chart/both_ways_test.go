package chart_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/steps/chart"
)

// Each file in by-hand is an application of the renderer's testdata in one
// environment, as a team that knows Helm writes it.
func TestAnApplicationWrittenBothWaysGivesTheSameManifests(t *testing.T) {
	files, err := filepath.Glob(contracts + "by-hand/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("nothing is written by hand: ", err)
	}
	for _, byHand := range files {
		name, environment, _ := strings.Cut(strings.TrimSuffix(filepath.Base(byHand), ".yaml"), ".")
		t.Run(name+" in "+environment, func(t *testing.T) {
			a := template(t, chart.TemplateOptions{Values: rendered(t, name+".yaml", environment)})
			b := template(t, chart.TemplateOptions{Values: byHand, Image: image})
			if diff := cmp.Diff(a.Manifests, b.Manifests); diff != "" {
				t.Errorf("- platform.yaml, + values.yaml:\n%s", diff)
			}
		})
	}
}

// Whatever the contract accepts, the chart accepts too.
func TestEveryContractGivesManifests(t *testing.T) {
	files, err := filepath.Glob(contracts + "*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no contracts: ", err)
	}
	for _, file := range files {
		for _, environment := range []string{"staging", "production"} {
			name := filepath.Base(file)
			t.Run(name+" in "+environment, func(t *testing.T) {
				r := template(t, chart.TemplateOptions{Values: rendered(t, name, environment)})
				if len(r.Objects) == 0 {
					t.Error("nothing is rendered")
				}
			})
		}
	}
}
