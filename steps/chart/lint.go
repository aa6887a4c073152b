package chart

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"

	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"

	"github.com/pave-platform/pave/internal/fault"
)

// LintOptions are a chart and the values to try it with; they mean what they
// mean in [TemplateOptions].
type LintOptions struct {
	Chart, Values, Image string
	Release, Namespace   string
	KubeVersion          string
}

// LintResult is what the linter has to say.
type LintResult struct {
	Chart    string    `json:"chart"`
	Version  string    `json:"version"`
	Passed   bool      `json:"passed"`
	Messages []Message `json:"messages"`
}

// Message is one remark of the linter.
type Message struct {
	Severity string `json:"severity"` // info, warning or error
	File     string `json:"file"`     // in the chart's folder
	Text     string `json:"text"`
}

// String gives file: text.
func (m Message) String() string { return m.File + ": " + m.Text }

// Summary gives the remarks and the verdict.
func (r LintResult) Summary(w io.Writer) {
	for _, m := range r.Messages {
		fmt.Fprintf(w, "%-7s %s\n", m.Severity, m)
	}
	verdict := "passed"
	if !r.Passed {
		verdict = "failed"
	}
	fmt.Fprintf(w, "%s %s %s\n", r.Chart, r.Version, verdict)
}

// Lint runs Helm's linter over the chart and, with values or an image, renders
// it too: the linter alone lets a template's own refusals pass. Errors in the
// chart come as one input error together with the Result; warnings pass.
func Lint(ctx context.Context, o LintOptions) (LintResult, error) {
	c, err := load(ctx, o.Chart)
	if err != nil {
		return LintResult{}, err
	}
	in, err := readInput(o.Values, o.Image)
	if err != nil {
		return LintResult{}, err
	}
	if err := in.check(c); err != nil {
		return LintResult{}, err
	}
	capabilities, err := capabilitiesFor(c, o.KubeVersion)
	if err != nil {
		return LintResult{}, err
	}
	dir, done, err := onDisk(o.Chart)
	if err != nil {
		return LintResult{}, fault.Failedf("chart %s: %w", label(o.Chart), err)
	}
	found := helmLint(dir, in.values, o.Namespace, &capabilities.KubeVersion)
	if err := done(); err != nil {
		return LintResult{}, fault.Failedf("chart %s: %w", label(o.Chart), err)
	}
	r := LintResult{Chart: c.Name(), Version: c.Metadata.Version, Messages: messages(found, dir)}
	if err := r.errors(); err != nil {
		return r, err
	}
	if o.Values != "" || o.Image != "" {
		_, err := Template(ctx, TemplateOptions{
			Chart: o.Chart, Values: o.Values, Image: o.Image,
			Release: o.Release, Namespace: o.Namespace, KubeVersion: o.KubeVersion,
		})
		if err != nil {
			return r, err
		}
	}
	r.Passed = true
	return r, nil
}

// helmLint keeps the linter from writing to the standard logger that a required
// value is missing: without values that is as it should be, and with them the
// rendering says so.
func helmLint(dir string, values map[string]any, namespace string, version *chartutil.KubeVersion) support.Linter {
	defer log.SetOutput(log.Writer())
	log.SetOutput(io.Discard)
	return lint.AllWithKubeVersion(dir, values, namespace, version)
}

var severities = map[int]string{support.InfoSev: "info", support.WarningSev: "warning", support.ErrorSev: "error"}

func messages(l support.Linter, dir string) []Message {
	all := make([]Message, 0, len(l.Messages))
	for _, m := range l.Messages {
		severity, known := severities[m.Severity]
		if !known {
			severity = "info"
		}
		text := strings.ReplaceAll(oneLine(m.Err), dir+"/", "")
		all = append(all, Message{Severity: severity, File: m.Path, Text: text})
	}
	return all
}

func (r LintResult) errors() error {
	var errs []error
	for _, m := range r.Messages {
		if m.Severity == "error" {
			errs = append(errs, fmt.Errorf("chart %s: %s", r.Chart, m))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return fault.Inputf("%w", errors.Join(errs...))
}
