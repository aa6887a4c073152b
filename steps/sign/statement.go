package sign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// The types of https://github.com/in-toto/attestation/tree/main/spec/v1.
const (
	payloadType      = "application/vnd.in-toto+json"
	statementType    = "https://in-toto.io/Statement/v1"
	statementTypeV01 = "https://in-toto.io/Statement/v0.1" // cosign writes it in the legacy layout
)

// signatureType is the predicate type that makes a bundle a signature.
const signatureType = "https://sigstore.dev/cosign/sign/v1"

// statement is an in-toto Statement. The predicate stays as it was written:
// software lists of many megabytes pass through it.
type statement struct {
	Type          string          `json:"_type"`
	Subject       []resource      `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

// resource is an in-toto ResourceDescriptor, as far as it is used here.
type resource struct {
	Name   string            `json:"name,omitempty"`
	URI    string            `json:"uri,omitempty"`
	Digest map[string]string `json:"digest,omitempty"`
}

// newStatement says that predicate, a JSON object, holds for s.
func newStatement(s *subject, predicateType string, predicate json.RawMessage) statement {
	return statement{
		Type: statementType,
		Subject: []resource{{
			Name:   s.ref.Repository.Name(),
			Digest: map[string]string{s.hash.Algorithm: s.hash.Hex},
		}},
		PredicateType: predicateType,
		Predicate:     predicate,
	}
}

func signatureOf(s *subject) statement { return newStatement(s, signatureType, json.RawMessage("{}")) }

func parseStatement(payload []byte) (statement, error) {
	var s statement
	if err := json.Unmarshal(payload, &s); err != nil {
		return statement{}, fmt.Errorf("not JSON: %w", err)
	}
	if s.Type != statementType && s.Type != statementTypeV01 {
		return statement{}, fmt.Errorf("not an in-toto statement but %q", s.Type)
	}
	if s.PredicateType == "" || len(s.Subject) == 0 {
		return statement{}, errors.New("a statement without a subject or a predicate type")
	}
	return s, nil
}

// about tells whether the image is one of the subjects.
func (s statement) about(image *subject) bool {
	for _, r := range s.Subject {
		if r.Digest[image.hash.Algorithm] == image.hash.Hex {
			return true
		}
	}
	return false
}

// subjectDigest gives the first subject's digest, for messages.
func (s statement) subjectDigest() string {
	for _, r := range s.Subject {
		for algorithm, hex := range r.Digest {
			return algorithm + ":" + hex
		}
	}
	return "nothing"
}

// sameJSON tells whether two documents say the same, whatever the order of
// their fields and the space between them. Numbers are compared as written.
func sameJSON(a, b []byte) bool {
	ca, err := canonical(a)
	if err != nil {
		return false
	}
	cb, err := canonical(b)
	return err == nil && bytes.Equal(ca, cb)
}

func canonical(document []byte) ([]byte, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(v) // sorts the fields of objects
}
