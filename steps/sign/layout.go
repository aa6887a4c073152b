package sign

import (
	"context"
	"encoding/json"
	"fmt"
)

// layout is a way to keep statements about an image in a registry.
type layout interface {
	format() Format
	// find gives what the registry holds of the wanted predicate types, also
	// what does not verify by any of the keys, with the reason.
	find(ctx context.Context, k keys, wanted func(predicateType string) bool) ([]claim, error)
	// attach signs the statements and writes them.
	attach(ctx context.Context, statements []statement, s sealer) error
}

// claim is a statement found in a registry and the outcome of checking it.
type claim struct {
	format        Format
	predicateType string
	predicate     json.RawMessage
	created       string // RFC 3339, as the registry says: it orders claims and proves nothing
	flaw          string // why it does not count; empty when it is verified
}

func (c claim) verified() bool { return c.flaw == "" }

func (c claim) String() string {
	what := fmt.Sprintf("%s %s", c.format, TypeName(c.predicateType))
	if c.verified() {
		return what + " (verified)"
	}
	return what + " (" + c.flaw + ")"
}

// held tells whether a verified claim already says what s says.
func held(claims []claim, s statement) bool {
	for _, c := range claims {
		if c.verified() && c.predicateType == s.PredicateType && sameJSON(c.predicate, s.Predicate) {
			return true
		}
	}
	return false
}

const flawOtherKey = "signed by another key"

// checkEnvelope judges the content of a DSSE envelope: the signature first,
// then what it is about.
func checkEnvelope(image *subject, k keys, envelopeType string, payload []byte, signatures [][]byte) claim {
	c := claim{predicateType: "unknown"}
	s, err := parseStatement(payload)
	if err == nil {
		c.predicateType = s.PredicateType
	}
	switch {
	case envelopeType != payloadType:
		c.flaw = fmt.Sprintf("payload of type %q", envelopeType)
	case !k.signed(envelopeType, payload, signatures):
		c.flaw = flawOtherKey
	case err != nil:
		c.flaw = err.Error()
	case !s.about(image):
		c.flaw = fmt.Sprintf("about another image, %s", s.subjectDigest())
	default:
		c.predicate = s.Predicate
	}
	return c
}
