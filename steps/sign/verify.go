package sign

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
)

// VerifyOptions say what must hold for an image.
type VerifyOptions struct {
	Ref              string // registry/project/app@sha256:…, pinned by digest
	Registry         registry.Options
	Key              PublicKey
	Require          []string // predicate types that must be attested: short names or URIs
	ProvenanceCommit string   // the Git commit that the provenance must name; empty: any
	Output           string   // a folder for the verified predicates, as TYPE.json; empty: none
}

// VerifyResult says what was verified, all by the one key and about this
// digest.
type VerifyResult struct {
	Ref          string        `json:"ref"`
	Digest       string        `json:"digest"`
	Signature    Signature     `json:"signature"`
	Attestations []Attestation `json:"attestations"` // one of each type that verifies, required or not, sorted by type
}

// Signature is the signature of a VerifyResult.
type Signature struct {
	Verified bool   `json:"verified"`
	Format   Format `json:"format"`
}

// Attestation is a verified attestation of a VerifyResult.
type Attestation struct {
	Type          string `json:"type"`          // the short name, or the URI
	PredicateType string `json:"predicateType"` // the URI
	Verified      bool   `json:"verified"`
	Format        Format `json:"format"`
	Path          string `json:"path,omitempty"` // where the predicate was written
}

// Summary writes the result for a person.
func (r VerifyResult) Summary(w io.Writer) {
	fmt.Fprintf(w, "%-16s verified (%s)\n", "signature", r.Signature.Format)
	for _, a := range r.Attestations {
		fmt.Fprintf(w, "%-16s verified (%s)\n", a.Type, a.Format)
	}
	fmt.Fprintln(w, r.Ref)
}

// Verify checks the signature and the attestations of an image. What does not
// hold is a fault.Gate that names everything that is missing, and what was found
// instead.
func Verify(ctx context.Context, o VerifyOptions) (VerifyResult, error) {
	d, err := o.demands()
	if err != nil {
		return VerifyResult{}, err
	}
	k, err := o.Key.keys(ctx, o.Registry.CAFile)
	if err != nil {
		return VerifyResult{}, err
	}
	s, err := openSubject(ctx, o.Ref, o.Registry)
	if err != nil {
		return VerifyResult{}, err
	}
	defer s.close()
	claims, err := d.collect(ctx, s, k)
	if err != nil {
		return VerifyResult{}, err
	}
	if err := d.judge(s, claims); err != nil {
		return VerifyResult{}, err
	}
	return d.result(o, s, claims)
}

const provenanceType = "https://slsa.dev/provenance/v1"

// demands are the predicate types that must be there, the signature first.
type demands struct {
	types  []string
	commit string
}

func (o VerifyOptions) demands() (demands, error) {
	d := demands{types: []string{signatureType}, commit: o.ProvenanceCommit}
	for _, name := range o.Require {
		uri, err := predicateURI(name)
		if err != nil {
			return demands{}, err
		}
		if !slices.Contains(d.types, uri) {
			d.types = append(d.types, uri)
		}
	}
	if d.commit == "" {
		return d, nil
	}
	if !gitCommit.MatchString(d.commit) {
		return demands{}, fault.Inputf("commit %q is not a full Git commit hash", d.commit).Fix("give --provenance-commit as git rev-parse HEAD prints it")
	}
	if !slices.Contains(d.types, provenanceType) {
		d.types = append(d.types, provenanceType)
	}
	return d, nil
}

// collect gathers bundles and, where they do not meet the demands, what is
// under the legacy tags too.
func (d demands) collect(ctx context.Context, s *subject, k keys) ([]claim, error) {
	var claims []claim
	for _, l := range []layout{bundles{s}, tags{s}} {
		found, err := l.find(ctx, k, func(string) bool { return true })
		if err != nil {
			return nil, err
		}
		// Where several of one type verify, the newest of the first layout speaks.
		slices.SortStableFunc(found, func(a, b claim) int { return cmp.Compare(b.created, a.created) })
		claims = append(claims, found...)
		if len(d.missing(claims)) == 0 {
			break
		}
	}
	return claims, nil
}

// missing gives the types that no verified claim meets.
func (d demands) missing(claims []claim) []string {
	var missing []string
	for _, t := range d.types {
		if d.best(claims, t) == nil {
			missing = append(missing, t)
		}
	}
	return missing
}

// best gives the claim of a type that counts, or nil.
func (d demands) best(claims []claim, predicateType string) *claim {
	for i, c := range claims {
		if !c.verified() || c.predicateType != predicateType {
			continue
		}
		if predicateType == provenanceType && d.commit != "" {
			if ok, _ := builtFrom(c.predicate, d.commit); !ok {
				continue
			}
		}
		return &claims[i]
	}
	return nil
}

// result lists what verified, and writes the predicates if they are asked for.
func (d demands) result(o VerifyOptions, s *subject, claims []claim) (VerifyResult, error) {
	r := VerifyResult{
		Ref:          o.Ref,
		Digest:       s.ref.DigestStr(),
		Signature:    Signature{Verified: true, Format: d.best(claims, signatureType).format},
		Attestations: []Attestation{},
	}
	var types []string
	for _, c := range claims {
		if c.verified() && c.predicateType != signatureType && !slices.Contains(types, c.predicateType) {
			types = append(types, c.predicateType)
		}
	}
	slices.Sort(types)
	for _, t := range types {
		c := d.best(claims, t)
		a := Attestation{Type: TypeName(t), PredicateType: t, Verified: true, Format: c.format}
		if o.Output != "" {
			a.Path = filepath.Join(o.Output, fileName(a.Type)+".json")
			if err := replace(a.Path, c.predicate); err != nil {
				return VerifyResult{}, err
			}
		}
		r.Attestations = append(r.Attestations, a)
	}
	return r, nil
}

// fileName makes a predicate type a name for a file.
func fileName(typeName string) string {
	name := []rune(typeName)
	for i, c := range name {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-') {
			name[i] = '-'
		}
	}
	return string(name)
}
