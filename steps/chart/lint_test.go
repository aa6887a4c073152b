package chart_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/steps/chart"
)

func TestTheBaseChartPassesWithItsValues(t *testing.T) {
	r, err := chart.Lint(t.Context(), chart.LintOptions{Values: rendered(t, "everything.yaml", "production")})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Passed || r.Chart != "platform-app" {
		t.Errorf("got %+v", r)
	}
	for _, m := range r.Messages {
		if m.Severity != "info" {
			t.Errorf("%s: %s", m.Severity, m)
		}
	}
}

func TestLintNamesTheFileAndTheLine(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"an unknown function": {
			"templates/configmap.yaml", "a: b\nc: {{ nosuch }}\n",
			`chart tiny: templates/: parse error at (tiny/templates/configmap.yaml:2): function "nosuch" not defined`,
		},
		"output that is not YAML": {
			"templates/configmap.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n b: c\n",
			"chart tiny: templates/configmap.yaml: unable to parse YAML: error converting YAML to JSON: yaml: line ",
		},
		"values that are not YAML": {
			"values.yaml", "a: [b\n",
			"cannot load values.yaml",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyOf(t)
			write(t, filepath.Join(dir, c.file), c.text)
			r, err := chart.Lint(t.Context(), chart.LintOptions{Chart: dir})
			if err == nil || r.Passed {
				t.Fatal("passed")
			}
			if !strings.Contains(err.Error(), c.want) || fault.KindOf(err) != fault.Input {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			if strings.Contains(err.Error(), "\n") && len(r.Messages) < 2 {
				t.Errorf("one error in several lines: %v", err)
			}
		})
	}
}

func TestLintWithValuesFindsWhatTheTemplatesRefuse(t *testing.T) {
	file := values(t, "team: web\n")
	_, err := chart.Lint(t.Context(), chart.LintOptions{Values: file})
	if err == nil || !strings.HasPrefix(err.Error(), file+": image.repository is required") {
		t.Errorf("got %v", err)
	}
}
