package sign

import (
	"encoding/json"
	"net/url"
	"os"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
)

// The predicate types that have a short name, which is cosign's.
var predicateTypes = []struct{ name, uri, field, made string }{
	// field must be in a predicate of the type; made says what makes one.
	{"spdx", "https://spdx.dev/Document", "spdxVersion", "an SPDX document"},
	{"cyclonedx", "https://cyclonedx.org/bom", "bomFormat", "a CycloneDX document"},
	{"vuln", "https://cosign.sigstore.dev/attestation/vuln/v1", "scanner", "a vulnerability record or a Trivy report"},
	{"slsaprovenance1", "https://slsa.dev/provenance/v1", "buildDefinition", "a SLSA v1 provenance"},
}

// Predicate is a file with a fact about the image.
type Predicate struct {
	Type string // spdx, cyclonedx, vuln, slsaprovenance1, or a URI
	Path string // a JSON object
}

// ParsePredicate reads TYPE=FILE.
func ParsePredicate(s string) (Predicate, error) {
	t, path, ok := strings.Cut(s, "=")
	if !ok || t == "" || path == "" {
		return Predicate{}, fault.Inputf("predicate %q is not TYPE=FILE", s).Fix("write it as spdx=sbom.spdx.json")
	}
	return Predicate{Type: t, Path: path}, nil
}

// TypeName gives the short name of a predicate type, or the type itself.
func TypeName(uri string) string {
	if uri == signatureType {
		return "signature"
	}
	for _, t := range predicateTypes {
		if t.uri == uri {
			return t.name
		}
	}
	return uri
}

// predicateURI gives the URI of a short name or a URI.
func predicateURI(name string) (string, error) {
	var known []string
	for _, t := range predicateTypes {
		if t.name == name {
			return t.uri, nil
		}
		known = append(known, t.name)
	}
	if u, err := url.Parse(name); err != nil || u.Scheme == "" || u.Host == "" {
		return "", fault.Inputf("predicate type %q is unknown", name).Fix("use %s or a URI", strings.Join(known, ", "))
	}
	if name == signatureType {
		return "", fault.Inputf("predicate type %s is the one of signatures", name).Fix("use pave sign image")
	}
	return name, nil
}

// read gives the type's URI and the predicate in the file.
func (p Predicate) read() (string, json.RawMessage, error) {
	uri, err := predicateURI(p.Type)
	if err != nil {
		return "", nil, err
	}
	content, err := os.ReadFile(p.Path)
	if err != nil {
		return "", nil, fault.Inputf("predicate %s: %w", p.Type, err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(content, &fields); err != nil {
		return "", nil, fault.Inputf("predicate %s: %s is not a JSON object: %w", p.Type, p.Path, err)
	}
	if fields == nil {
		return "", nil, fault.Inputf("predicate %s: %s is not a JSON object but null", p.Type, p.Path)
	}
	if report, ok := trivyReport(uri, fields); ok {
		content, err = report.record(content)
		return uri, content, err
	}
	for _, t := range predicateTypes {
		if _, ok := fields[t.field]; t.uri == uri && !ok {
			return "", nil, fault.Inputf("predicate %s: %s has no %s", p.Type, p.Path, t.field).Fix("give %s", t.made)
		}
	}
	return uri, content, nil
}
