package sign

import (
	"encoding/json"
	"time"
)

// report is what is read of a Trivy report to put it into a vulnerability
// record.
type report struct {
	Trivy struct {
		Version string
	}
	CreatedAt time.Time
}

// trivyReport recognises a Trivy report that is to be attested as a
// vulnerability record.
func trivyReport(predicateType string, fields map[string]json.RawMessage) (report, bool) {
	if TypeName(predicateType) != "vuln" {
		return report{}, false
	}
	for _, name := range []string{"SchemaVersion", "ArtifactName"} {
		if _, ok := fields[name]; !ok {
			return report{}, false
		}
	}
	var r report
	_ = json.Unmarshal(fields["Trivy"], &r.Trivy)         // absent in reports of other versions
	_ = json.Unmarshal(fields["CreatedAt"], &r.CreatedAt) // likewise: then the record has no time
	return r, true
}

// record gives the report as a vulnerability record, as `trivy --format
// cosign-vuln` does, except that the times are the report's own: the same report
// gives the same record.
//
// See https://github.com/sigstore/cosign/blob/main/specs/COSIGN_VULN_ATTESTATION_SPEC.md.
func (r report) record(content []byte) (json.RawMessage, error) {
	type database struct {
		URI     string `json:"uri"`
		Version string `json:"version"`
	}
	type scanner struct {
		URI     string          `json:"uri"`
		Version string          `json:"version"`
		DB      database        `json:"db"`
		Result  json.RawMessage `json:"result"`
	}
	type metadata struct {
		ScanStartedOn  time.Time `json:"scanStartedOn"`
		ScanFinishedOn time.Time `json:"scanFinishedOn"`
	}
	uri := "pkg:github/aquasecurity/trivy"
	if r.Trivy.Version != "" {
		uri += "@" + r.Trivy.Version
	}
	return json.Marshal(struct {
		Invocation struct{} `json:"invocation"`
		Scanner    scanner  `json:"scanner"`
		Metadata   metadata `json:"metadata"`
	}{
		Scanner:  scanner{URI: uri, Version: r.Trivy.Version, Result: content},
		Metadata: metadata{r.CreatedAt, r.CreatedAt},
	})
}
