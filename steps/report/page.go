package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"regexp"
	"strings"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

// maxRows keeps the page of a very large image quick; the page says so, and
// the files beside it hold all rows.
const maxRows = 5000

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"size":     size,
	"short":    short,
	"count":    count,
	"advisory": advisory,
	"segments": segments,
}).Parse(pageHTML))

// page is what the template sees.
type page struct {
	Result
	Run        *run
	Style      template.CSS
	Script     template.JS
	Policy     string
	Severities []severityCount
	Findings   []finding
	AllFound   int
	Packages   []softwarePackage
	AllPackage int
	Parameters map[string]string
	Diff       []diffLine
}

// render writes report.html.
func render(w io.Writer, r *run, res Result) error {
	p := page{
		Result: res,
		Run:    r,
		Style:  template.CSS(pageCSS), //nolint:gosec // our own file, embedded
		Script: template.JS(pageJS),   //nolint:gosec // our own file, embedded
		Policy: policy(),
	}
	if res.Scan != nil {
		p.Severities = res.Scan.counts()
		p.Findings = bySeverity(r.gate.Scan.Findings)
		p.AllFound = len(p.Findings)
		p.Findings = p.Findings[:min(maxRows, p.AllFound)]
	}
	p.AllPackage = len(r.packages)
	p.Packages = r.packages[:min(maxRows, p.AllPackage)]
	if r.provenance != nil {
		p.Parameters = r.provenance.parameters()
	}
	if r.deploy != nil {
		p.Diff = diffLines(r.deploy.Diff)
	}
	return pageTemplate.Execute(w, p)
}

// policy allows the page its own style and script, by their hash, and nothing
// else: not even a hostile package name that slipped through could load or run
// anything.
func policy() string {
	return "default-src 'none'; style-src " + hashSource(pageCSS) + "; script-src " + hashSource(pageJS) +
		"; base-uri 'none'; form-action 'none'"
}

func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

var (
	cve  = regexp.MustCompile(`^CVE-\d{4}-\d{4,}$`)
	ghsa = regexp.MustCompile(`^GHSA(-[0-9a-z]{4}){3}$`)
)

// advisory gives the public page about a vulnerability, or nothing for an id
// that has none. The page is never loaded by the report itself.
func advisory(id string) string {
	switch {
	case cve.MatchString(id):
		return "https://nvd.nist.gov/vuln/detail/" + id
	case ghsa.MatchString(id):
		return "https://github.com/advisories/" + id
	}
	return ""
}

// diffLine is one line of a unified diff with the class that colours it.
type diffLine struct{ Class, Text string }

func diffLines(diff string) []diffLine {
	if strings.TrimSpace(diff) == "" {
		return nil
	}
	var out []diffLine
	for line := range strings.Lines(diff) {
		text := strings.TrimRight(line, "\r\n")
		class := ""
		switch {
		case strings.HasPrefix(text, "+++"), strings.HasPrefix(text, "---"), strings.HasPrefix(text, "@@"), strings.HasPrefix(text, "diff "), strings.HasPrefix(text, "index "):
			class = "meta"
		case strings.HasPrefix(text, "+"):
			class = "added"
		case strings.HasPrefix(text, "-"):
			class = "removed"
		}
		out = append(out, diffLine{class, text})
	}
	return out
}

// BuildType, Objects and Application are what the template takes from the
// results themselves.

// BuildType gives the provenance's build type, or nothing.
func (r *run) BuildType() string {
	if r.provenance == nil {
		return ""
	}
	return r.provenance.Definition.BuildType
}

// Objects gives the rendered Kubernetes objects.
func (r *run) Objects() []object { return r.objects }

// Application gives the text of the Argo CD Application.
func (r *run) Application() string { return r.application }

// segments cuts a package's name where a line may break: behind each / and :.
func segments(name string) []string {
	var out []string
	for {
		i := strings.IndexAny(name, "/:")
		if i < 0 {
			return append(out, name)
		}
		out, name = append(out, name[:i+1]), name[i+1:]
	}
}
