package scan

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"time"

	trivyreport "github.com/aquasecurity/trivy/pkg/report"
	"github.com/aquasecurity/trivy/pkg/types"
)

// predicate is a vulnerability attestation's predicate,
// https://github.com/sigstore/cosign/blob/main/specs/COSIGN_VULN_ATTESTATION_SPEC.md.
type predicate struct {
	Invocation struct{}          `json:"invocation"`
	Scanner    predicateScanner  `json:"scanner"`
	Metadata   predicateMetadata `json:"metadata"`
}

type predicateScanner struct {
	URI     string            `json:"uri"`
	Version string            `json:"version"`
	DB      predicateDatabase `json:"db"`
	Result  json.RawMessage   `json:"result"`
}

type predicateDatabase struct {
	URI        string    `json:"uri"`
	Version    string    `json:"version"`
	LastUpdate time.Time `json:"lastUpdate"`
}

type predicateMetadata struct {
	ScanStartedOn  time.Time `json:"scanStartedOn"`
	ScanFinishedOn time.Time `json:"scanFinishedOn"`
}

// encodePredicate puts the report into a predicate that can be attested. Its
// times are the database's and not the scan's: the findings are true as of that
// time, whenever they are looked up, and the same image and database give the
// same bytes, so that a second run of a pipeline attests nothing new.
func encodePredicate(report types.Report, r Result) ([]byte, error) {
	// The packages are in the SBOM's attestation. The writer drops them in place.
	report.Results = slices.Clone(report.Results)
	var content bytes.Buffer
	err := trivyreport.JSONWriter{Output: &content, ShowSuppressed: true}.Write(context.Background(), report)
	if err != nil {
		return nil, err
	}
	uri := "pkg:github/aquasecurity/trivy"
	if report.Trivy.Version != unknownVersion {
		uri += "@v" + report.Trivy.Version
	}
	p := predicate{
		Scanner: predicateScanner{
			URI:     uri,
			Version: report.Trivy.Version,
			DB:      predicateDatabase{URI: "urn:vulnerability-database:" + url.PathEscape(r.Database.Name), Version: strconv.Itoa(r.Database.SchemaVersion), LastUpdate: r.Database.UpdatedAt},
			Result:  content.Bytes(),
		},
		Metadata: predicateMetadata{ScanStartedOn: r.Database.UpdatedAt, ScanFinishedOn: r.Database.UpdatedAt},
	}
	out, err := json.MarshalIndent(p, "", "  ")
	return append(out, '\n'), err
}
