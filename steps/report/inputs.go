package report

import (
	"encoding/json"
	"time"
)

// The types below are the parts of the steps' results that a report reads.
// They are declared here, not imported: the JSON is the contract, and a report
// can be made of results that an older pave wrote.

type imageResult struct {
	Digest   string            `json:"digest"`
	Platform string            `json:"platform"`
	Bytes    int64             `json:"bytes"`
	Labels   map[string]string `json:"labels"`
}

type publishResult struct {
	Ref    string `json:"ref"`
	Tag    string `json:"tag"`
	Digest string `json:"digest"`
	Pushed bool   `json:"pushed"`
	Bytes  int64  `json:"bytes"`
}

type gateResult struct {
	Digest string      `json:"digest"`
	SBOM   *sbomResult `json:"sbom"`
	Scan   *scanResult `json:"scan"`
}

type sbomResult struct {
	Packages int    `json:"packages"`
	Distro   string `json:"distro"`
	Files    []struct {
		Format string `json:"format"`
		SHA256 string `json:"sha256"`
	} `json:"files"`
	Warnings []string `json:"warnings"`
}

type scanResult struct {
	Critical  int            `json:"critical"`
	High      int            `json:"high"`
	Medium    int            `json:"medium"`
	Low       int            `json:"low"`
	Unknown   int            `json:"unknown"`
	OnlyFixed bool           `json:"onlyFixed"`
	Limits    map[string]int `json:"limits"` // by severity in lower case; below 0 is no limit
	Exceeded  []Exceeded     `json:"exceeded"`
	Ignored   []Ignored      `json:"ignored"`
	Findings  []finding      `json:"findings"`
	Database  Database       `json:"database"`
	Warnings  []string       `json:"warnings"`
	Passed    bool           `json:"passed"`
}

type finding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	Package  string `json:"package"`
	Version  string `json:"version"`
	Fixed    string `json:"fixedVersion"`
	Title    string `json:"title"`
}

type signResult struct {
	Digest string `json:"digest"`
	Format string `json:"format"`
	Signed bool   `json:"signed"`
}

type attestResult struct {
	Ref          string        `json:"ref"`
	Attestations []Attestation `json:"attestations"`
}

type verifyResult struct {
	Digest       string        `json:"digest"`
	Signature    Signature     `json:"signature"`
	Attestations []Attestation `json:"attestations"`
}

type deployResult struct {
	Deploy
	Diff string `json:"diff"` // unified
}

// provenance is a SLSA v1 predicate, see https://slsa.dev/spec/v1.0/provenance.
type provenance struct {
	Definition struct {
		BuildType  string                     `json:"buildType"`
		Parameters map[string]json.RawMessage `json:"externalParameters"`
		Resolved   []struct {
			URI    string            `json:"uri"`
			Digest map[string]string `json:"digest"`
		} `json:"resolvedDependencies"`
	} `json:"buildDefinition"`
	Details struct {
		Builder struct {
			ID string `json:"id"`
		} `json:"builder"`
		Metadata struct {
			InvocationID string    `json:"invocationId"`
			StartedOn    time.Time `json:"startedOn"`
			FinishedOn   time.Time `json:"finishedOn"`
		} `json:"metadata"`
	} `json:"runDetails"`
}
