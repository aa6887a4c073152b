package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/pave-platform/pave/internal/fault"
)

// measure is one row of the table before it is measured.
type measure struct {
	name  string
	title string
	goal  string // as people say it; empty where there is none
	run   func(context.Context, *lab) (outcome, error)
}

// measures are all rows. Those that need no engine come first.
var measures = []measure{
	{"gates-one-read", "SBOM and scan on one read of the image, against the two run one after the other", "at most 0.7 of the time", gatesOneRead},
	{"gates-memory", "Peak resident memory of the gates on an image of 500 MB", "under 1.5 GB", gatesMemory},
	{"gates-tools", "SBOM and scan, against Syft's and Trivy's own programs one after the other", "", gatesTools},
	{"manifests", "platform.yaml to manifests in one process on one core, for each of 1,000 applications", "at most 3 ms", manifestsEach},
	{"manifests-helm", "How many times longer 1,000 runs of `helm template` take", "at least 20 times", manifestsHelm},
	{"bootstrap-vms", "50 machines on a vCenter of 200 ms per task, against the machine of them that took longest", "at most 1.5 times", bootstrapVMs},
	{"bootstrap-imports", "How many times longer it takes to import the OVA for each of 50 machines, one after the other", "at least 5 times", bootstrapImports},
	{"bootstrap-memory", "Peak resident memory of phase 1 with an OVA of 300 MB", "under 300 MB", bootstrapMemory},
	{"functions-warm", "`dagger functions` on the root module, called again", "at most 2 s", functionsWarm},
	{"functions-cold", "`dagger functions` on a new clone, code generated before", "at most 10 s", functionsCold},
	{"functions-edited", "`dagger functions` after a change of the root module's own code", "", functionsEdited},
	{"path-unchanged", "Golden path from source to GitOps commit, called again with nothing changed", "at most 3 s", pathUnchanged},
	{"path-changed", "Golden path after a change of one line", "at most 25 s", pathChanged},
}

// outcome is what a measure found.
type outcome struct {
	Value    float64   `json:"value"` // the median of Runs, or their maximum for memory
	Unit     string    `json:"unit"`  // s, ms, MB, or x for a ratio of two times
	Runs     []float64 `json:"runs"`
	Compared string    `json:"compared,omitempty"` // with what, and what that took
	Commands []string  `json:"commands"`           // as one would type them
}

// seconds is the outcome of timed runs of one command.
func seconds(runs []ran, commands ...string) outcome {
	o := outcome{Unit: "s", Commands: commands}
	for _, r := range runs {
		o.Runs = append(o.Runs, r.wall.Seconds())
	}
	o.Value = median(o.Runs)
	return o
}

func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	if len(s) == 0 {
		return 0
	}
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// choose picks rows by name, in the table's order; no name is all of them.
func choose(all []measure, names []string) ([]measure, error) {
	if len(names) == 0 {
		return all, nil
	}
	known := make([]string, len(all))
	for i, m := range all {
		known[i] = m.name
	}
	var errs []error
	for _, n := range names {
		if !slices.Contains(known, n) {
			errs = append(errs, fault.Inputf("no row is called %s", n).Fix("choose from %s", strings.Join(known, ", ")))
		}
	}
	chosen := slices.DeleteFunc(slices.Clone(all), func(m measure) bool { return !slices.Contains(names, m.name) })
	return chosen, errors.Join(errs...)
}

func printList(w io.Writer, all []measure) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, m := range all {
		fmt.Fprintf(t, "%s\t%s\n", m.name, m.title)
	}
	return t.Flush()
}

// measureAll measures one row after the other. A row that fails says so in the
// table and does not keep the others from being measured. If ctx ends, the
// report has the rows until then.
func measureAll(ctx context.Context, o options, chosen []measure) (*report, error) {
	l, err := newLab(ctx, o)
	if err != nil {
		return nil, err
	}
	r := &report{Machine: describeMachine(ctx, l)}
	for _, m := range chosen {
		l.say("%s: %s", m.name, m.title)
		found, err := m.run(ctx, l)
		if ctx.Err() != nil {
			return r, errors.Join(ctx.Err(), l.close())
		}
		row := row{Name: m.name, Measure: m.title, Goal: m.goal, outcome: found}
		if err != nil {
			l.say("%s: %v", m.name, err)
			row.Error = err.Error()
		}
		r.Rows = append(r.Rows, row)
	}
	return r, l.close()
}
