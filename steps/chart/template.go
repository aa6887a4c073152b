package chart

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	helm "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/releaseutil"

	"github.com/pave-platform/pave/internal/fault"
)

const notes = "NOTES.txt" // is for people, and no manifest

// DefaultKubeVersion is the Kubernetes that charts are rendered for.
const DefaultKubeVersion = "v1.36.0"

// TemplateOptions say what to render. Everything but Values may be empty.
type TemplateOptions struct {
	Chart       string // folder or .tgz; empty: the base chart
	Values      string // values file
	Image       string // registry/project/app@sha256:…, over the image in Values
	Release     string // default: the value `name`, else the chart's name
	Namespace   string // default: default
	KubeVersion string // default: DefaultKubeVersion
	Output      string // file for the manifests
}

// TemplateResult is the rendered manifests.
type TemplateResult struct {
	Chart     string   `json:"chart"`
	Version   string   `json:"version"`
	Release   string   `json:"release"`
	Namespace string   `json:"namespace"`
	Objects   []Object `json:"objects"`
	Path      string   `json:"path,omitempty"`
	// Manifests is the text, where no file was asked for.
	Manifests string `json:"manifests,omitempty"`
}

// Object names one manifest.
type Object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
}

// Summary lists the objects, or writes the manifests where no file was asked
// for.
func (r TemplateResult) Summary(w io.Writer) {
	if r.Path == "" {
		fmt.Fprint(w, r.Manifests)
		return
	}
	fmt.Fprintf(w, "%s %s as %s in %s\n", r.Chart, r.Version, r.Release, r.Namespace)
	for _, o := range r.Objects {
		fmt.Fprintf(w, "  %-16s %s\n", o.Kind, o.Name)
	}
	fmt.Fprintf(w, "manifests %s\n", r.Path)
}

// Template renders the chart's manifests in Helm's order of installation, as
// `helm template` prints them.
func Template(ctx context.Context, o TemplateOptions) (TemplateResult, error) {
	c, err := load(ctx, o.Chart)
	if err != nil {
		return TemplateResult{}, err
	}
	in, err := readInput(o.Values, o.Image)
	if err != nil {
		return TemplateResult{}, err
	}
	named, _ := in.values["name"].(string)
	release := releaseOf(cmp.Or(o.Release, named, c.Name()), o.Namespace)
	text, objects, err := manifests(c, in, release, o.KubeVersion)
	if err != nil {
		return TemplateResult{}, err
	}
	r := TemplateResult{
		Chart: c.Name(), Version: c.Metadata.Version,
		Release: release.Name, Namespace: release.Namespace, Objects: objects, Path: o.Output,
	}
	if o.Output == "" {
		r.Manifests = text
		return r, nil
	}
	return r, writeFile(o.Output, []byte(text))
}

func releaseOf(name, namespace string) chartutil.ReleaseOptions {
	return chartutil.ReleaseOptions{Name: name, Namespace: cmp.Or(namespace, "default"), Revision: 1, IsInstall: true}
}

func manifests(c *helm.Chart, in *input, release chartutil.ReleaseOptions, kubeVersion string) (string, []Object, error) {
	if err := chartutil.ValidateReleaseName(release.Name); err != nil {
		return "", nil, fault.Inputf("release %q: %w", release.Name, err)
	}
	capabilities, err := capabilitiesFor(c, kubeVersion)
	if err != nil {
		return "", nil, err
	}
	if err := in.check(c); err != nil {
		return "", nil, err
	}
	if err := chartutil.ProcessDependenciesWithMerge(c, in.values); err != nil {
		return "", nil, fault.Inputf("chart %s: %s", c.Name(), oneLine(err))
	}
	// Helm checks the schemas of its dependencies; the chart's own has been.
	checked := len(c.Dependencies()) == 0
	values, err := chartutil.ToRenderValuesWithSchemaValidation(c, in.values, release, capabilities, checked)
	if err != nil {
		return "", nil, fault.Inputf("%s: %s", in.label(), oneLine(err))
	}
	files, err := engine.Render(c, values)
	if err != nil {
		return "", nil, renderError(c, in, err)
	}
	return assemble(c, files)
}

func capabilitiesFor(c *helm.Chart, version string) (*chartutil.Capabilities, error) {
	parsed, err := chartutil.ParseKubeVersion(cmp.Or(version, DefaultKubeVersion))
	if err != nil {
		return nil, fault.Inputf("Kubernetes version %q: %w", version, err).Fix("write it as %s", DefaultKubeVersion)
	}
	if want := c.Metadata.KubeVersion; want != "" && !chartutil.IsCompatibleRange(want, parsed.Version) {
		return nil, fault.Inputf("chart %s %s needs Kubernetes %s, not %s", c.Name(), c.Metadata.Version, want, parsed.Version)
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *parsed
	return capabilities, nil
}

var refusal = regexp.MustCompile(`(?s)^execution error at \(([^)]*)\): (.*)$`)

// renderError takes a template's own refusal out of the engine's wrapping.
func renderError(c *helm.Chart, in *input, err error) error {
	if m := refusal.FindStringSubmatch(err.Error()); m != nil {
		return fault.Inputf("%s: %s (%s)", in.label(), m[2], m[1])
	}
	return fault.Inputf("chart %s: %s", c.Name(), oneLine(err))
}

// assemble puts the rendered files in Helm's order of installation, hooks last.
func assemble(c *helm.Chart, files map[string]string) (string, []Object, error) {
	for name := range files {
		if path.Base(name) == notes {
			delete(files, name)
		}
	}
	hooks, sorted, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return "", nil, fault.Inputf("chart %s: %s", c.Name(), oneLine(err))
	}
	var b strings.Builder
	objects := make([]Object, 0, len(sorted)+len(hooks))
	for _, m := range sorted {
		fmt.Fprintf(&b, "---\n# Source: %s\n%s\n", m.Name, m.Content)
		o := Object{APIVersion: m.Head.Version, Kind: m.Head.Kind}
		if m.Head.Metadata != nil {
			o.Name = m.Head.Metadata.Name
		}
		objects = append(objects, o)
	}
	for _, h := range hooks {
		fmt.Fprintf(&b, "---\n# Source: %s\n%s\n", h.Path, h.Manifest)
		objects = append(objects, Object{Kind: h.Kind, Name: h.Name})
	}
	return b.String(), objects, nil
}
