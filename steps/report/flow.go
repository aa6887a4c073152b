package report

import (
	"cmp"
	"fmt"
	"strings"
)

// flow tells what became of each step, in the order in which they run.
func (r *run) flow() []Step {
	return []Step{
		r.built(), r.inventoried(), r.scanned(), r.published(), r.signed(), r.attested(), r.verified(), r.charted(), r.deployed(),
	}
}

func (r *run) built() Step {
	if r.image == nil {
		return Step{Name: "Build", State: NotRun}
	}
	return Step{"Build", Done, size(r.image.Bytes)}
}

func (r *run) inventoried() Step {
	if r.gate == nil || r.gate.SBOM == nil {
		return Step{Name: "SBOM", State: NotRun}
	}
	return Step{"SBOM", Done, count(r.gate.SBOM.Packages, "package")}
}

func (r *run) scanned() Step {
	if r.gate == nil || r.gate.Scan == nil {
		return Step{Name: "Scan", State: NotRun}
	}
	s := r.gate.Scan
	if s.Passed {
		return Step{"Scan", Done, fmt.Sprintf("%d critical, %d high", s.Critical, s.High)}
	}
	var over []string
	for _, e := range s.Exceeded {
		over = append(over, fmt.Sprintf("%d %s, limit %d", e.Count, strings.ToLower(e.Severity), e.Limit))
	}
	return Step{"Scan", No, strings.Join(over, "; ")}
}

func (r *run) published() Step {
	switch {
	case r.publish == nil:
		return Step{Name: "Publish", State: NotRun}
	case r.publish.Pushed:
		return Step{"Publish", Done, "pushed"}
	}
	return Step{"Publish", Done, "was there already"}
}

// signed and attested believe a successful verification too: what is verified
// was there, even when an earlier run put it there.

func (r *run) signed() Step {
	switch {
	case r.sign != nil && r.sign.Signed:
		return Step{"Sign", Done, r.sign.Format}
	case r.sign != nil:
		return Step{"Sign", Done, r.sign.Format + ", was there already"}
	case r.verify != nil && r.verify.Signature.Verified:
		return Step{"Sign", Done, r.verify.Signature.Format}
	}
	return Step{Name: "Sign", State: NotRun}
}

func (r *run) attested() Step {
	if n := len(r.attestations()); n > 0 {
		return Step{"Attest", Done, count(n, "attestation")}
	}
	return Step{Name: "Attest", State: NotRun}
}

func (r *run) verified() Step {
	if r.verify == nil {
		return Step{Name: "Verify", State: NotRun}
	}
	if !r.verify.Signature.Verified {
		return Step{"Verify", No, "no valid signature"}
	}
	for _, a := range r.verify.Attestations {
		if !a.Verified {
			return Step{"Verify", No, "attestation " + cmp.Or(a.Type, a.PredicateType)}
		}
	}
	return Step{"Verify", Done, fmt.Sprintf("signature and %d", len(r.verify.Attestations))}
}

func (r *run) charted() Step {
	if r.chart == nil {
		return Step{Name: "Chart", State: NotRun}
	}
	return Step{"Chart", Done, strings.TrimSpace(r.chart.Name + " " + r.chart.Version)}
}

func (r *run) deployed() Step {
	switch {
	case r.deploy == nil:
		return Step{Name: "Deploy", State: NotRun}
	case r.deploy.DryRun:
		return Step{"Deploy", NotRun, "dry run"}
	case !r.deploy.Changed:
		return Step{"Deploy", Done, "no change"}
	}
	return Step{"Deploy", Done, "commit " + short(r.deploy.Commit)}
}

// attestations are those that were verified, else those that were made.
func (r *run) attestations() []Attestation {
	switch {
	case r.verify != nil:
		return r.verify.Attestations
	case r.attest != nil:
		return r.attest.Attestations
	}
	return nil
}

// judge gives the verdict on the steps and one sentence that says why.
func judge(steps []Step) (Verdict, string) {
	var refused, missing []string
	for _, s := range steps {
		switch s.State {
		case No:
			refused = append(refused, fmt.Sprintf("%s said no: %s", s.Name, s.Detail))
		case NotRun:
			missing = append(missing, strings.ToLower(s.Name))
		}
	}
	switch {
	case len(refused) > 0:
		return Refused, strings.Join(refused, ". ") + "."
	case len(missing) > 0:
		return Incomplete, "Not run: " + strings.Join(missing, ", ") + "."
	}
	return Passed, "Built, gated, published, signed, verified and deployed."
}
