package sign

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/outfile"
)

const (
	// BuildType says what the parameters of our provenance mean.
	BuildType = "https://github.com/pave-platform/pave/blob/main/docs/provenance.md#golden-path-v1"
	// UnnamedBuilder is the builder when none is named: verify nothing by it.
	UnnamedBuilder = "https://github.com/pave-platform/pave/blob/main/docs/provenance.md#unnamed-builder"
)

// ProvenanceOptions say how an image was built. The same options give the same
// predicate: there is no time in it but what is given.
//
// Parameters are published with the image, for everyone who can pull it: they
// must hold no secret.
type ProvenanceOptions struct {
	Repository   string            // the Git repository: an https, ssh or file URL, or user@host:path; no credentials
	Commit       string            // the full Git commit hash
	Parameters   map[string]string // what the caller of the build chose
	Dependencies []string          // URI=ALGORITHM:HEX of what else went into the build
	BuilderID    string            // a URI of what ran the build; empty: UnnamedBuilder
	InvocationID string            // for example the pipeline run's URL; may be empty
	StartedOn    time.Time         // may be zero
	FinishedOn   time.Time         // may be zero
	Output       string            // the file to write
}

// ProvenanceResult says what was written.
type ProvenanceResult struct {
	Path          string `json:"path"`
	PredicateType string `json:"predicateType"`
	BuildType     string `json:"buildType"`
	Builder       string `json:"builder"`
	Source        string `json:"source"` // git+URL@COMMIT
	Commit        string `json:"commit"`
}

// Summary writes the result for a person.
func (r ProvenanceResult) Summary(w io.Writer) {
	fmt.Fprintf(w, "provenance  %s\nsource      %s\nbuilder     %s\n", r.Path, r.Source, r.Builder)
}

// slsaProvenance is the predicate of https://slsa.dev/spec/v1.0/provenance.
type slsaProvenance struct {
	BuildDefinition struct {
		BuildType            string         `json:"buildType"`
		ExternalParameters   slsaParameters `json:"externalParameters"`
		InternalParameters   struct{}       `json:"internalParameters"`
		ResolvedDependencies []resource     `json:"resolvedDependencies"`
	} `json:"buildDefinition"`
	RunDetails struct {
		Builder struct {
			ID string `json:"id"`
		} `json:"builder"`
		Metadata slsaMetadata `json:"metadata,omitzero"`
	} `json:"runDetails"`
}

type slsaParameters struct {
	Source     string            `json:"source"`
	Parameters map[string]string `json:"parameters,omitempty"`
}

type slsaMetadata struct {
	InvocationID string    `json:"invocationId,omitempty"`
	StartedOn    time.Time `json:"startedOn,omitzero"`
	FinishedOn   time.Time `json:"finishedOn,omitzero"`
}

// Provenance writes a SLSA v1 provenance predicate, to be attested as
// slsaprovenance1.
func Provenance(_ context.Context, o ProvenanceOptions) (ProvenanceResult, error) {
	p, err := o.predicate()
	if err != nil {
		return ProvenanceResult{}, err
	}
	content, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return ProvenanceResult{}, err
	}
	if o.Output == "" {
		return ProvenanceResult{}, fault.Inputf("the provenance has no file to go to").Fix("give --output FILE")
	}
	if err := replace(o.Output, append(content, '\n')); err != nil {
		return ProvenanceResult{}, err
	}
	return ProvenanceResult{
		Path:          o.Output,
		PredicateType: provenanceType,
		BuildType:     BuildType,
		Builder:       p.RunDetails.Builder.ID,
		Source:        p.BuildDefinition.ExternalParameters.Source,
		Commit:        o.Commit,
	}, nil
}

func (o ProvenanceOptions) predicate() (slsaProvenance, error) {
	var p slsaProvenance
	source, err := gitSource(o.Repository, o.Commit)
	if err != nil {
		return p, err
	}
	builder := firstOf(o.BuilderID, UnnamedBuilder)
	if u, err := url.Parse(builder); err != nil || u.Scheme == "" {
		return p, fault.Inputf("builder %q is not a URI", builder).Fix("write it as https://ci.example.com/runners/linux")
	}
	d := &p.BuildDefinition
	d.BuildType = BuildType
	d.ExternalParameters = slsaParameters{Source: source.URI, Parameters: o.Parameters}
	d.ResolvedDependencies = []resource{source}
	for _, written := range o.Dependencies {
		dependency, err := parseDependency(written)
		if err != nil {
			return p, err
		}
		d.ResolvedDependencies = append(d.ResolvedDependencies, dependency)
	}
	p.RunDetails.Builder.ID = builder
	p.RunDetails.Metadata = slsaMetadata{o.InvocationID, o.StartedOn.UTC(), o.FinishedOn.UTC()}
	return p, nil
}

var (
	gitCommit  = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	scpLike    = regexp.MustCompile(`^([A-Za-z0-9_.-]+@[A-Za-z0-9_.-]+):([^/].*)$`)
	hexDigest  = regexp.MustCompile(`^([A-Za-z0-9]+):([0-9a-f]{32,128})$`)
	gitSchemes = map[string]bool{"https": true, "http": true, "ssh": true, "git": true, "file": true}
)

// gitSource gives the commit as an SPDX download location, git+URL@COMMIT.
func gitSource(repository, commit string) (resource, error) {
	if !gitCommit.MatchString(commit) {
		return resource{}, fault.Inputf("commit %q is not a full Git commit hash", commit).Fix("give --commit as git rev-parse HEAD prints it")
	}
	if m := scpLike.FindStringSubmatch(repository); m != nil {
		repository = "ssh://" + m[1] + "/" + m[2]
	}
	u, err := url.Parse(strings.TrimPrefix(repository, "git+"))
	if err != nil || !gitSchemes[u.Scheme] || u.Host+u.Path == "" {
		return resource{}, fault.Inputf("the repository is not a Git URL").Fix("write it as https://git.example.com/team/app.git")
	}
	if _, secret := u.User.Password(); secret || (u.User != nil && u.Scheme != "ssh") {
		return resource{}, fault.Inputf("the repository's URL holds credentials, and provenance is public").Fix("write it without them")
	}
	return resource{
		URI:    "git+" + u.String() + "@" + commit,
		Digest: map[string]string{"gitCommit": commit},
	}, nil
}

// parseDependency reads URI=ALGORITHM:HEX.
func parseDependency(written string) (resource, error) {
	at := strings.LastIndex(written, "=")
	if at > 0 {
		u, err := url.Parse(written[:at])
		m := hexDigest.FindStringSubmatch(written[at+1:])
		if err == nil && u.Scheme != "" && m != nil {
			return resource{URI: written[:at], Digest: map[string]string{m[1]: m[2]}}, nil
		}
	}
	return resource{}, fault.Inputf("dependency %q is not URI=ALGORITHM:HEX", written).Fix("write it as pkg:docker/golang@1.26=sha256:…")
}

// builtFrom tells whether a provenance predicate names commit as its source,
// and which it names.
func builtFrom(predicate json.RawMessage, commit string) (bool, []string) {
	var p slsaProvenance
	if err := json.Unmarshal(predicate, &p); err != nil {
		return false, nil
	}
	source := p.BuildDefinition.ExternalParameters.Source
	var named []string
	for _, d := range p.BuildDefinition.ResolvedDependencies {
		c, ok := d.Digest["gitCommit"]
		if !ok || (source != "" && d.URI != source) {
			continue // a Git dependency is not the source
		}
		if c == commit {
			return true, nil
		}
		named = append(named, c)
	}
	return false, named
}

// replace writes a file whole or not at all, and makes its folder.
func replace(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fault.Inputf("output folder: %w", err)
	}
	if err := outfile.Write(path, content); err != nil {
		return fault.Failedf("output file: %w", err)
	}
	return nil
}
