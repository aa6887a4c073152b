package report

import (
	"encoding/json"
	"os"
	"time"

	"github.com/pave-platform/pave/internal/fault"
)

// Verdict is the report in one word.
type Verdict string

// The verdicts.
const (
	Passed     Verdict = "passed"     // every step was run and every gate said yes
	Refused    Verdict = "refused"    // a gate said no
	Incomplete Verdict = "incomplete" // no gate said no, and not every step was run
)

// State is what became of one step.
type State string

// The states of a step.
const (
	Done   State = "done"
	No     State = "refused"
	NotRun State = "not run"
)

// Result is summary.json. A pointer that is absent belongs to a step that was
// not run.
type Result struct {
	Title        string        `json:"title"`
	Verdict      Verdict       `json:"verdict"`
	Reason       string        `json:"reason"` // one sentence
	Steps        []Step        `json:"steps"`
	Image        Image         `json:"image"`
	SBOM         *SBOM         `json:"sbom,omitempty"`
	Scan         *Scan         `json:"scan,omitempty"`
	Signature    *Signature    `json:"signature,omitempty"`
	Attestations []Attestation `json:"attestations"`
	Provenance   *Provenance   `json:"provenance,omitempty"`
	Chart        *Chart        `json:"chart,omitempty"`
	Deploy       *Deploy       `json:"deploy,omitempty"`
	Files        []File        `json:"files"`
}

// Step is one station of the flow.
type Step struct {
	Name   string `json:"name"`
	State  State  `json:"state"`
	Detail string `json:"detail,omitempty"`
}

// Image is what was built. Ref is empty until it is published.
type Image struct {
	Ref      string            `json:"ref"`
	Tag      string            `json:"tag,omitempty"`
	Digest   string            `json:"digest"`
	Platform string            `json:"platform,omitempty"`
	Bytes    int64             `json:"bytes,omitempty"` // of the OCI tarball, else of the published blobs
	Labels   map[string]string `json:"labels,omitempty"`
}

// SBOM says how much is inside.
type SBOM struct {
	Packages int      `json:"packages"`
	Distro   string   `json:"distro,omitempty"`
	Formats  []string `json:"formats"` // such as SPDX 2.3
	Warnings []string `json:"warnings,omitempty"`
}

// Scan counts the findings by severity; the findings themselves are in
// gate.json.
type Scan struct {
	Critical  int            `json:"critical"`
	High      int            `json:"high"`
	Medium    int            `json:"medium"`
	Low       int            `json:"low"`
	Unknown   int            `json:"unknown"`
	OnlyFixed bool           `json:"onlyFixed,omitempty"` // only what a newer version fixes is counted
	Limits    map[string]int `json:"limits"`
	Exceeded  []Exceeded     `json:"exceeded"`
	Ignored   []Ignored      `json:"ignored"`
	Database  Database       `json:"database"`
	Warnings  []string       `json:"warnings,omitempty"`
	Passed    bool           `json:"passed"`
}

// Exceeded is a severity with more findings than its limit.
type Exceeded struct {
	Severity string `json:"severity"`
	Count    int    `json:"count"`
	Limit    int    `json:"limit"`
}

// Ignored is a finding that the team has accepted until a day.
type Ignored struct {
	ID      string `json:"id"`
	Package string `json:"package,omitempty"`
	Reason  string `json:"reason"`
	Expires string `json:"expires"`
}

// Database is the vulnerability database that the scan used.
type Database struct {
	Name          string    `json:"name"`
	SchemaVersion int       `json:"schemaVersion"`
	UpdatedAt     time.Time `json:"updatedAt"`
	Source        string    `json:"source"`
}

// Signature is what verification found.
type Signature struct {
	Verified bool   `json:"verified"`
	Format   string `json:"format"` // bundle or legacy
}

// Attestation is one statement about the image.
type Attestation struct {
	Type          string `json:"type"`
	PredicateType string `json:"predicateType"`
	Verified      bool   `json:"verified"`
}

// Provenance says where the image comes from.
type Provenance struct {
	Repository string `json:"repository"`
	Commit     string `json:"commit"`
	Builder    string `json:"builder"`
}

// Chart is the shared chart that the application is deployed with.
type Chart struct {
	Ref     string `json:"ref"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Digest  string `json:"digest"`
}

// Deploy is the commit that Argo CD follows. After a dry run, Commit is the one
// that it would have been made on, and Changed says whether it would have been.
type Deploy struct {
	Repository string `json:"repository"`
	Branch     string `json:"branch"`
	Path       string `json:"path"`
	Commit     string `json:"commit"`
	Changed    bool   `json:"changed"`
	DryRun     bool   `json:"dryRun,omitempty"`
	Attempts   int    `json:"attempts,omitempty"`
}

// File is a file of the report's folder.
type File struct {
	Name  string `json:"name"`
	What  string `json:"what"`
	Bytes int64  `json:"bytes"`
}

// ReadSummary reads a summary.json.
func ReadSummary(path string) (Result, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Result{}, fault.Inputf("summary: %w", err)
	}
	var r Result
	if err := json.Unmarshal(text, &r); err != nil {
		return Result{}, fault.Inputf("%s:%s%w", path, position(text, err), err).Fix("make it with pave report build")
	}
	if r.Verdict == "" || len(r.Steps) == 0 {
		return Result{}, fault.Inputf("%s is not the summary of a report", path).Fix("make it with pave report build")
	}
	return r, nil
}
