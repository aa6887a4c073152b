package report

import (
	"cmp"
	"encoding/json"
	"path"
	"strings"
)

// summarise says in one document what r holds.
func summarise(r *run, title string) Result {
	res := Result{
		Steps:        r.flow(),
		Attestations: append([]Attestation{}, r.attestations()...),
		Provenance:   r.origin(),
		Chart:        r.chart,
		Files:        r.files,
	}
	res.Verdict, res.Reason = judge(res.Steps)
	if r.image != nil {
		res.Image = Image{Digest: r.image.Digest, Platform: r.image.Platform, Bytes: r.image.Bytes, Labels: r.image.Labels}
	}
	if r.publish != nil {
		res.Image.Ref, res.Image.Tag = r.publish.Ref, r.publish.Tag
		res.Image.Digest = cmp.Or(res.Image.Digest, r.publish.Digest)
		res.Image.Bytes = cmp.Or(res.Image.Bytes, r.publish.Bytes)
	}
	if r.gate != nil {
		res.Image.Digest = cmp.Or(res.Image.Digest, r.gate.Digest)
		res.SBOM = r.gate.SBOM.summary()
		res.Scan = r.gate.Scan.summary()
	}
	if r.verify != nil {
		res.Signature = &r.verify.Signature
	}
	if r.deploy != nil {
		res.Deploy = &r.deploy.Deploy
	}
	res.Title = cmp.Or(title, applicationName(res.Image), "Golden path")
	return res
}

func (s *sbomResult) summary() *SBOM {
	if s == nil {
		return nil
	}
	out := &SBOM{Packages: s.Packages, Distro: s.Distro, Formats: []string{}, Warnings: s.Warnings}
	for _, f := range s.Files {
		out.Formats = append(out.Formats, formatName(f.Format))
	}
	return out
}

func (s *scanResult) summary() *Scan {
	if s == nil {
		return nil
	}
	return &Scan{
		Critical: s.Critical, High: s.High, Medium: s.Medium, Low: s.Low, Unknown: s.Unknown,
		OnlyFixed: s.OnlyFixed,
		Limits:    s.Limits,
		Exceeded:  append([]Exceeded{}, s.Exceeded...),
		Ignored:   append([]Ignored{}, s.Ignored...),
		Database:  s.Database,
		Warnings:  s.Warnings,
		Passed:    s.Passed,
	}
}

// formatName writes spdx-2.3 as its makers do.
func formatName(format string) string {
	name, version, _ := strings.Cut(format, "-")
	switch name {
	case "spdx":
		return "SPDX " + version
	case "cyclonedx":
		return "CycloneDX " + version
	}
	return format
}

// applicationName is the last part of the image's repository, else its title.
func applicationName(i Image) string {
	repository, _, _ := strings.Cut(i.Ref, "@")
	if repository == "" {
		return i.Labels["org.opencontainers.image.title"]
	}
	return path.Base(repository)
}

// origin reads the source repository and commit from the provenance: the
// resolved dependency that carries a git commit.
func (r *run) origin() *Provenance {
	if r.provenance == nil {
		return nil
	}
	out := &Provenance{Builder: r.provenance.Details.Builder.ID}
	for _, d := range r.provenance.Definition.Resolved {
		if commit := cmp.Or(d.Digest["gitCommit"], d.Digest["sha1"]); commit != "" {
			out.Repository, out.Commit = repositoryOf(d.URI), commit
			break
		}
	}
	return out
}

// repositoryOf takes the form and the ref off an SPDX download location, as in
// git+https://host/team/app@refs/heads/main.
func repositoryOf(location string) string {
	uri := strings.TrimPrefix(location, "git+")
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return uri
	}
	host, path, _ := strings.Cut(rest, "/") // an @ before the path belongs to a user name
	path, _, _ = strings.Cut(path, "@")
	return scheme + "://" + host + "/" + path
}

// parameters gives the build's external parameters by name, those of a group
// as group.name, and as they would be typed: text bare, the rest as JSON. The
// group "parameters" is where pave puts what the caller chose.
func (p *provenance) parameters() map[string]string {
	out := map[string]string{}
	flatten(out, "", p.Definition.Parameters)
	return out
}

func flatten(out map[string]string, prefix string, values map[string]json.RawMessage) {
	for name, raw := range values {
		var text string
		var group map[string]json.RawMessage
		switch {
		case json.Unmarshal(raw, &text) == nil:
			out[prefix+name] = text
		case json.Unmarshal(raw, &group) == nil && prefix+name == "parameters":
			flatten(out, "", group)
		case json.Unmarshal(raw, &group) == nil:
			flatten(out, prefix+name+".", group)
		default:
			out[prefix+name] = string(raw)
		}
	}
}
