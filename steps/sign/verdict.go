package sign

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
)

// judge gives nil, or the one error that says all that is wrong.
func (d demands) judge(s *subject, claims []claim) error {
	missing := d.missing(claims)
	if len(missing) == 0 {
		return nil
	}
	names := make([]string, len(missing))
	for i, t := range missing {
		names[i] = d.lacks(t, claims)
	}
	return fault.Gatef("image %s does not verify: %s; found: %s", s.ref, strings.Join(names, ", "), inventory(claims)).
		Fix("%s, or check that the key is the one that signed", remedy(missing))
}

// lacks says what is wrong with a type that is not met.
func (d demands) lacks(predicateType string, claims []claim) string {
	if predicateType == signatureType {
		return "no signature by this key"
	}
	what := fmt.Sprintf("no %s attestation by this key", TypeName(predicateType))
	if predicateType != provenanceType || d.commit == "" {
		return what
	}
	for _, c := range claims {
		if c.verified() && c.predicateType == provenanceType {
			_, named := builtFrom(c.predicate, d.commit)
			return fmt.Sprintf("the provenance names commit %s, not %s", strings.Join(named, " "), d.commit)
		}
	}
	return what
}

// inventory lists what is there, sorted, each thing once.
func inventory(claims []claim) string {
	var found []string
	for _, c := range claims {
		found = append(found, c.String())
	}
	slices.Sort(found)
	found = slices.Compact(found)
	if len(found) == 0 {
		return "nothing"
	}
	const most = 12
	if n := len(found); n > most {
		found = append(found[:most], fmt.Sprintf("and %d more", n-most))
	}
	return strings.Join(found, ", ")
}

func remedy(missing []string) string {
	verbs := []string{}
	if slices.Contains(missing, signatureType) {
		verbs = append(verbs, "pave sign image")
	}
	if len(verbs) < len(missing) {
		verbs = append(verbs, "pave sign attest")
	}
	return "run " + strings.Join(verbs, " and ")
}
