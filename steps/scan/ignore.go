package scan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aquasecurity/trivy/pkg/types"
	"go.yaml.in/yaml/v3"

	"github.com/pave-platform/pave/internal/fault"
)

// Ignored is a vulnerability that was found and does not count.
type Ignored struct {
	ID      string `json:"id"`
	Package string `json:"package"`
	Reason  string `json:"reason"`
	Expires string `json:"expires"` // 2006-01-02, the last day on which it is ignored
}

// Ignore is an entry of an ignore file, which looks like this:
//
//	ignore:
//	  - id: CVE-2024-45337
//	    package: golang.org/x/crypto   # optional: else in every package
//	    reason: we only use bcrypt
//	    expires: 2026-12-31
//
// An entry that has expired ignores nothing any more, and says so.
type Ignore struct {
	ID      string
	Package string
	Reason  string
	Expires time.Time // midnight UTC after the last day

	where string // file:line
	used  bool
}

// rules are the entries of an ignore file at a point in time.
type rules struct {
	entries []*Ignore
	file    string
	now     time.Time
}

func readIgnoreFile(path string, now time.Time) (*rules, error) {
	r := &rules{file: path, now: now}
	if path == "" {
		return r, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Inputf("ignore file: %w", err)
	}
	var document yaml.Node
	switch err := yaml.NewDecoder(bytes.NewReader(b)).Decode(&document); {
	case errors.Is(err, io.EOF):
		return r, nil // an empty file ignores nothing
	case err != nil:
		return nil, fault.Inputf("%s: %w", path, err)
	}
	list, err := r.list(document.Content[0])
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, n := range list {
		entry, err := r.entry(n)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		r.entries = append(r.entries, entry)
	}
	return r, errors.Join(errs...)
}

// list finds the entries under the key ignore, the only one there is.
func (r *rules) list(root *yaml.Node) ([]*yaml.Node, error) {
	if root.Kind != yaml.MappingNode {
		return nil, r.at(root, "expected a mapping with the key ignore")
	}
	var list []*yaml.Node
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		if key.Value != "ignore" {
			return nil, r.at(key, "unknown field %q", key.Value)
		}
		if value.Kind != yaml.SequenceNode {
			return nil, r.at(value, "ignore: expected a list")
		}
		list = value.Content
	}
	return list, nil
}

func (r *rules) entry(n *yaml.Node) (*Ignore, error) {
	if n.Kind != yaml.MappingNode {
		return nil, r.at(n, "expected an entry with id, reason and expires")
	}
	e := &Ignore{where: fmt.Sprintf("%s:%d", r.file, n.Line)}
	var errs []error
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if value.Kind != yaml.ScalarNode {
			errs = append(errs, r.at(value, "%s: expected a text", key.Value))
			continue
		}
		switch key.Value {
		case "id":
			e.ID = value.Value
		case "package":
			e.Package = value.Value
		case "reason":
			e.Reason = value.Value
		case "expires":
			day, err := time.Parse(time.DateOnly, value.Value)
			if err != nil {
				errs = append(errs, r.at(value, "expires: %q is not a date; write it as %s", value.Value, time.DateOnly))
			}
			e.Expires = day.AddDate(0, 0, 1)
		default:
			errs = append(errs, r.at(key, "unknown field %q; known are id, package, reason and expires", key.Value))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	switch {
	case e.ID == "":
		return nil, r.at(n, "id is missing")
	case e.Reason == "":
		return nil, r.at(n, "%s: reason is missing; say why this does not matter here", e.ID)
	case e.Expires.IsZero():
		return nil, r.at(n, "%s: expires is missing; give the last day on which to ignore it", e.ID)
	}
	return e, nil
}

// at is an input error that names the file and the line.
func (r *rules) at(n *yaml.Node, format string, args ...any) error {
	return fault.Inputf("%s:%d:%d: %s", r.file, n.Line, n.Column, fmt.Sprintf(format, args...))
}

// apply moves what is ignored out of the report's findings, and drops what has
// no fix if only the fixed are asked for.
func (r *rules) apply(report *types.Report, onlyFixed bool) []Ignored {
	ignored := []Ignored{}
	for i := range report.Results {
		result := &report.Results[i]
		var kept []types.DetectedVulnerability
		for _, v := range result.Vulnerabilities {
			if e := r.match(v); e != nil {
				ignored = append(ignored, Ignored{ID: v.VulnerabilityID, Package: v.PkgName, Reason: e.Reason, Expires: e.lastDay()})
				result.ModifiedFindings = append(result.ModifiedFindings,
					types.NewModifiedFinding(v, types.FindingStatusIgnored, e.Reason, e.where))
				continue
			}
			if onlyFixed && v.FixedVersion == "" {
				continue
			}
			kept = append(kept, v)
		}
		result.Vulnerabilities = kept
	}
	return ignored
}

func (r *rules) match(v types.DetectedVulnerability) *Ignore {
	var match *Ignore
	for _, e := range r.entries {
		if e.ID != v.VulnerabilityID || (e.Package != "" && e.Package != v.PkgName) {
			continue
		}
		e.used = true
		if r.now.Before(e.Expires) {
			match = e
		}
	}
	return match
}

// warnings name the entries that have expired, and those that match nothing.
func (r *rules) warnings() []string {
	var w []string
	for _, e := range r.entries {
		switch {
		case !r.now.Before(e.Expires):
			w = append(w, fmt.Sprintf("%s: the entry for %s expired on %s and ignores nothing", e.where, e.ID, e.lastDay()))
		case !e.used:
			w = append(w, fmt.Sprintf("%s: the entry for %s matches nothing in this image", e.where, e.ID))
		}
	}
	return w
}

func (e *Ignore) lastDay() string { return e.Expires.AddDate(0, 0, -1).Format(time.DateOnly) }
