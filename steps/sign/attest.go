package sign

import (
	"context"
	"fmt"
	"io"

	"github.com/pave-platform/pave/internal/fault"
)

// AttestResult says what attesting did.
type AttestResult struct {
	Ref          string     `json:"ref"`
	Digest       string     `json:"digest"`
	Format       Format     `json:"format"`
	Attestations []Attested `json:"attestations"` // in the order of the predicates
}

// Attested is one predicate of an AttestResult.
type Attested struct {
	Type          string `json:"type"`          // the short name, or the URI
	PredicateType string `json:"predicateType"` // the URI
	Added         bool   `json:"added"`         // false: a valid equal one by this key was there
}

// Attest attests the predicates of an image that is in its registry. All
// predicates are read and judged before anything is written.
func Attest(ctx context.Context, t Target, predicates []Predicate) (AttestResult, error) {
	if len(predicates) == 0 {
		return AttestResult{}, fault.Inputf("there is no predicate to attest").Fix("give --predicate TYPE=FILE")
	}
	facts, err := readPredicates(predicates)
	if err != nil {
		return AttestResult{}, err
	}
	w, err := t.open(ctx)
	if err != nil {
		return AttestResult{}, err
	}
	defer w.subject.close()
	statements := make([]statement, len(facts))
	for i, f := range facts {
		statements[i] = newStatement(w.subject, f.PredicateType, f.Predicate)
	}
	added, err := w.add(ctx, statements)
	if err != nil {
		return AttestResult{}, err
	}
	r := AttestResult{Ref: t.Ref, Digest: w.subject.ref.DigestStr(), Format: w.layout.format()}
	for i, s := range statements {
		r.Attestations = append(r.Attestations, Attested{TypeName(s.PredicateType), s.PredicateType, added[i]})
	}
	return r, nil
}

// readPredicates gives the predicates as statements without a subject.
func readPredicates(predicates []Predicate) ([]statement, error) {
	seen := map[string]string{}
	facts := make([]statement, len(predicates))
	for i, p := range predicates {
		uri, content, err := p.read()
		if err != nil {
			return nil, err
		}
		if first, ok := seen[uri]; ok {
			return nil, fault.Inputf("predicate %s is given twice, as %s and %s", p.Type, first, p.Path).Fix("give each type once")
		}
		seen[uri] = p.Path
		facts[i] = statement{PredicateType: uri, Predicate: content}
	}
	return facts, nil
}

// Summary writes the result for a person.
func (r AttestResult) Summary(w io.Writer) {
	for _, a := range r.Attestations {
		did := "attested"
		if !a.Added {
			did = "already attested"
		}
		fmt.Fprintf(w, "%-16s %s (%s)\n", a.Type, did, r.Format)
	}
	fmt.Fprintln(w, r.Ref)
}
