package contract_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/schematest"
)

func TestExplain(t *testing.T) {
	for path, want := range map[string]contract.Field{
		"spec.database.instances": {
			Path: "spec.database.instances", Type: "whole number", Default: 1.0, Allowed: "1 to 9", Examples: []any{2.0},
			Description: "One primary, and replicas that take over when it fails.",
		},
		"spec.ports[0].name": {
			Path: "spec.ports.name", Type: "text", Required: true, Examples: []any{"metrics"},
			Allowed:     "at most 15 characters, what matches ^([a-z0-9]+-)*[0-9]*[a-z][a-z0-9]*(-[a-z0-9]+)*$",
			Description: "Name of the port, other than http.",
		},
		"spec.rollout.strategy": {
			Path: "spec.rollout.strategy", Type: "text", Allowed: "rolling, canary, blueGreen", Examples: []any{"canary"},
			Description: "Pod by pod (rolling, what holds without it), by a growing share of the requests, or all at once after a check.",
		},
		"spec.env.LOG_LEVEL": {Path: "spec.env.LOG_LEVEL", Type: "text, number or true or false"},
		"spec.rollout.canary.steps": {
			Path: "spec.rollout.canary.steps", Type: "list of group of fields", Required: true,
			Allowed:     "1 to 50 entries, each exactly one of weight and pause",
			Description: "Steps in their order; after the last one the new version gets everything.",
			Fields: []contract.Field{
				{Path: "weight", Type: "whole number", Allowed: "0 to 100", Examples: []any{20.0}, Description: "Percentage of the requests that the new version gets from here on."},
				{Path: "pause", Type: "text", Allowed: "what matches ^([1-9][0-9]{0,4}[smh]|manual)$", Examples: []any{"5m"}, Description: "How long to wait, or manual to wait for a promotion."},
			},
		},
	} {
		got, err := contract.Explain(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", path, diff)
		}
	}
}

func TestExplainAnUnknownField(t *testing.T) {
	for path, want := range map[string]string{
		"spec.databse.instances": "spec.databse: unknown field, did you mean database? (allowed: " + specFields + ")",
		"database":               "database: unknown field, did you mean spec.database? (allowed: apiVersion, kind, metadata, spec)",
		"spec.port.number":       "spec.port.number: there are no fields in it",
	} {
		_, err := contract.Explain(path)
		if err == nil || err.Error() != want || fault.KindOf(err) != fault.Input {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestTheWholeFileIsExplained(t *testing.T) {
	f, err := contract.Explain("")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, child := range f.Fields {
		names = append(names, child.Path)
	}
	if diff := cmp.Diff([]string{"apiVersion", "kind", "metadata", "spec"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestTheFileThatIsStartedFromIsValid(t *testing.T) {
	validate := schematest.Validator(t, contract.SchemaURL, contract.Schema())
	for _, name := range []contract.Name{"shop", "true", "null"} {
		data, err := contract.Smallest(contract.Metadata{Name: name, Team: "web", Project: "demo"}, contract.SchemaURL)
		if err != nil {
			t.Fatal(err)
		}
		a, err := contract.Parse("platform.yaml", data)
		if err != nil || a.Metadata.Name != name {
			t.Errorf("%s: %v\n%s", name, err, data)
		}
		if err := validate(data); err != nil {
			t.Errorf("%s: the schema refuses it: %v\n%s", name, err, data)
		}
	}
	if _, err := contract.Smallest(contract.Metadata{Name: "Shop", Team: "web", Project: "demo"}, ""); fault.KindOf(err) != fault.Input || err == nil {
		t.Errorf("got %v", err)
	}
}

func TestTheExamplesOfTheDocumentationAreValid(t *testing.T) {
	data, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	files := strings.Split(string(data), "apiVersion: pave/v1\n")[1:]
	if len(files) != 2 {
		t.Fatalf("%d examples, want 2", len(files))
	}
	for _, file := range files {
		lines := []string{"apiVersion: pave/v1"}
		for line := range strings.Lines(file) {
			text, inside := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "//\t")
			if !inside {
				break
			}
			lines = append(lines, text)
		}
		if _, err := contract.Parse("doc.go", []byte(strings.Join(lines, "\n"))); err != nil {
			t.Error(err)
		}
	}
}

func TestTheSchemaHasTheDefaultsThatHold(t *testing.T) {
	s := parse(t, spec(
		"database: {enabled: true, backup: {enabled: false}}", "messaging: {enabled: true}", "ingress: {host: a.b}",
		"storage: [{name: a, mountPath: /a, size: 1Gi}]", "alerts: [{name: A, expr: up}]", "metrics: {enabled: true}",
		"rollout: {strategy: blueGreen}", "autoscaling: {maxReplicas: 3}", "verticalScaling: {}", "disruption: {}",
	)).For(contract.Staging)
	for path, holds := range map[string]any{
		"spec.port":                             int(s.Port),
		"spec.replicas":                         int(parse(t, smallest).For(contract.Staging).Replicas),
		"spec.ingress.tls":                      *s.Ingress.TLS,
		"spec.database.instances":               int(s.Database.Instances),
		"spec.database.backup.schedule":         string(s.Database.Backup.Schedule),
		"spec.database.backup.retention":        string(s.Database.Backup.Retention),
		"spec.messaging.replicas":               int(s.Messaging.Replicas),
		"spec.storage.class":                    string(s.Storage[0].Class),
		"spec.storage.accessMode":               string(s.Storage[0].AccessMode),
		"spec.alerts.for":                       string(s.Alerts[0].For),
		"spec.alerts.severity":                  string(s.Alerts[0].Severity),
		"spec.metrics.path":                     string(s.Metrics.Path),
		"spec.metrics.port":                     string(s.Metrics.Port),
		"spec.rollout.blueGreen.autoPromote":    *s.Rollout.BlueGreen.AutoPromote,
		"spec.rollout.blueGreen.scaleDownDelay": string(s.Rollout.BlueGreen.ScaleDownDelay),
		"spec.autoscaling.minReplicas":          int(s.Autoscaling.MinReplicas),
		"spec.verticalScaling.mode":             string(s.VerticalScaling.Mode),
		"spec.disruption.maxUnavailable":        int(s.Disruption.MaxUnavailable),
		"spec.reload":                           *s.Reload,
	} {
		f, err := contract.Explain(path)
		if err != nil {
			t.Error(err)
		} else if fmt.Sprint(f.Default) != fmt.Sprint(holds) {
			t.Errorf("%s: the schema says %v, %v holds", path, f.Default, holds)
		}
	}
}
