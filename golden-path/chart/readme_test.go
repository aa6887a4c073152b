package chart_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/pave-platform/pave/golden-path/chart"
)

var update = flag.Bool("update", false, "write the README's tables of values")

const (
	readme = "platform-app/README.md"
	begin  = "`go test ./golden-path/chart -update` -->\n"
	end    = "<!-- /values -->"
)

func TestTheReadmeExplainsEveryValue(t *testing.T) {
	schema := readSchema(t)
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, opened := strings.Cut(string(text), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !opened || !closed {
		t.Fatal("the README has lost the marks around its values")
	}
	want := head + begin + tables(schema) + end + tail
	if *update {
		if err := os.WriteFile(readme, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("run `go test ./golden-path/chart -update`:\n%s", diff)
	}
}

// readSchema reads the schema with the YAML library, which keeps the order.
func readSchema(t *testing.T) *yaml.Node {
	t.Helper()
	data, err := chart.Files.ReadFile(chart.Name + "/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Content[0]
}

func tables(schema *yaml.Node) string {
	var b strings.Builder
	b.WriteString("\n| Value | Default | Meaning |\n|---|---|---|\n")
	rows(&b, get(schema, "properties"), "")
	b.WriteString("\n### Probes\n\n| Field | Meaning |\n|---|---|\n")
	probe := get(get(get(schema, "$defs"), "probe"), "properties")
	for i := 0; i < len(probe.Content); i += 2 {
		fmt.Fprintf(&b, "| `%s` | %s |\n", probe.Content[i].Value, get(probe.Content[i+1], "description").Value)
	}
	b.WriteByte('\n')
	return b.String()
}

func rows(b *strings.Builder, properties *yaml.Node, path string) {
	for i := 0; i < len(properties.Content); i += 2 {
		name, value := path+properties.Content[i].Value, properties.Content[i+1]
		if d := get(value, "description"); d != nil {
			fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, defaultOf(value), d.Value)
		}
		if p := get(value, "properties"); p != nil {
			rows(b, p, name+".")
		}
		if items := get(value, "items"); items != nil {
			if p := get(items, "properties"); p != nil {
				rows(b, p, name+"[].")
			}
		}
	}
}

func defaultOf(value *yaml.Node) string {
	d := get(value, "default")
	switch {
	case d == nil:
		return ""
	case d.Kind == yaml.MappingNode:
		return "`{}`"
	case d.Kind == yaml.SequenceNode && len(d.Content) == 0:
		return "`[]`"
	case d.Kind == yaml.SequenceNode:
		return "see `values.yaml`"
	case d.Value == "":
		return "`\"\"`"
	}
	return "`" + d.Value + "`"
}

func get(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
