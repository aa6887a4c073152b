package chart

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/santhosh-tekuri/jsonschema/v6"
	helm "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/pave-platform/pave/internal/fault"
)

// Renderer renders the base chart for many applications in one process. Helm's
// engine parses all templates and compiles the schema anew at every call, and
// has no way to keep them, which is most of its time; a Renderer does both
// once. What it gives is what [Template] gives, byte for byte. Several
// goroutines may use one.
type Renderer struct {
	chart        *helm.Chart
	kubeVersion  string
	capabilities *chartutil.Capabilities
	schema       *jsonschema.Schema
	templates    *template.Template
	files        []string // templates that give manifests, in the order of their names
}

// RenderOptions are one application's values.
type RenderOptions struct {
	// Values hold what JSON has: maps, slices, strings, numbers and booleans.
	Values map[string]any
	// File is what errors call the values; it is not read.
	File               string
	Release, Namespace string // as in TemplateOptions
}

// NewRenderer prepares the base chart; an empty version is DefaultKubeVersion.
func NewRenderer(ctx context.Context, kubeVersion string) (*Renderer, error) {
	c, err := load(ctx, "")
	if err != nil {
		return nil, err
	}
	r := &Renderer{chart: c, kubeVersion: kubeVersion}
	if r.capabilities, err = capabilitiesFor(c, kubeVersion); err != nil {
		return nil, err
	}
	if r.schema, err = compile(c.Schema); err != nil {
		return nil, fault.Failedf("chart %s: values.schema.json: %w", c.Name(), err)
	}
	r.templates = template.New(c.Name()).Option("missingkey=zero")
	r.templates.Funcs(functions(r.templates))
	for _, f := range c.Templates {
		name := path.Join(c.Name(), f.Name)
		if _, err := r.templates.New(name).Parse(string(f.Data)); err != nil {
			return nil, fault.Failedf("chart %s: %w", c.Name(), err)
		}
		if base := path.Base(name); !strings.HasPrefix(base, "_") && base != notes {
			r.files = append(r.files, name)
		}
	}
	slices.Sort(r.files)
	return r, nil
}

// functions are those of Helm that the base chart may use. tpl, lookup and what
// reads the environment are not among them.
func functions(t *template.Template) template.FuncMap {
	f := sprig.TxtFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(f, name)
	}
	f["include"] = func(name string, data any) (string, error) {
		var b strings.Builder
		err := t.ExecuteTemplate(&b, name, data)
		return b.String(), err
	}
	f["fail"] = func(message string) (string, error) { return "", errors.New(message) }
	f["required"] = func(message string, value any) (any, error) {
		if value == nil || value == "" {
			return nil, errors.New(message)
		}
		return value, nil
	}
	return f
}

// Render gives the manifests of one application. What it refuses, Helm's own
// engine refuses again, for its words.
func (r *Renderer) Render(o RenderOptions) (TemplateResult, error) {
	named, _ := o.Values["name"].(string)
	release := releaseOf(cmp.Or(o.Release, named, r.chart.Name()), o.Namespace)
	result := TemplateResult{
		Chart: r.chart.Name(), Version: r.chart.Metadata.Version, Release: release.Name, Namespace: release.Namespace,
	}
	var err error
	if result.Manifests, result.Objects, err = r.render(o.Values, release); err == nil {
		return result, nil
	}
	in := &input{file: o.File, values: o.Values}
	if _, _, refused := manifests(r.chart, in, release, r.kubeVersion); refused != nil {
		return TemplateResult{}, refused
	}
	return TemplateResult{}, fault.Failedf("chart %s: %w", r.chart.Name(), err)
}

func (r *Renderer) render(values map[string]any, release chartutil.ReleaseOptions) (string, []Object, error) {
	if err := chartutil.ValidateReleaseName(release.Name); err != nil {
		return "", nil, err
	}
	const schemaIsCheckedBelow = true
	top, err := chartutil.ToRenderValuesWithSchemaValidation(r.chart, values, release, r.capabilities, schemaIsCheckedBelow)
	if err != nil {
		return "", nil, err
	}
	merged, err := top.Table("Values")
	if err != nil {
		return "", nil, err
	}
	if err := r.schema.Validate(merged.AsMap()); err != nil {
		return "", nil, err
	}
	var all []manifest
	var b strings.Builder
	for _, file := range r.files {
		b.Reset()
		if err := r.templates.ExecuteTemplate(&b, file, top); err != nil {
			return "", nil, err
		}
		if all, err = appendManifests(all, file, b.String()); err != nil {
			return "", nil, err
		}
	}
	text, objects := inOrder(all)
	return text, objects, nil
}

// manifest is one object of a file.
type manifest struct {
	Object
	file, text string
	rank       int
}

// appendManifests takes a rendered file apart. All text in it is quoted, so that
// a line of dashes can only be where the chart has one.
func appendManifests(all []manifest, file, text string) ([]manifest, error) {
	text = strings.ReplaceAll(text, "<no value>", "")
	for document := range strings.SplitSeq("\n"+text, "\n---\n") {
		if document = strings.TrimSpace(document); document == "" {
			continue
		}
		o, err := head(document)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, manifest{Object: o, file: file, text: document, rank: rankOf(o.Kind)})
	}
	return all, nil
}
