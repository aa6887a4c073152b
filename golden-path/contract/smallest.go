package contract

import (
	"bytes"
	"fmt"

	"github.com/pave-platform/pave/internal/fault"
)

// Smallest gives the smallest valid platform.yaml, with a line at its head that
// tells an editor where the schema is.
func Smallest(m Metadata, schema string) ([]byte, error) {
	for _, field := range []struct {
		name  string
		value Name
	}{{"name", m.Name}, {"team", m.Team}, {"project", m.Project}} {
		if err := field.value.valid(); err != nil {
			return nil, fault.Inputf("%s: %w", field.name, err)
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# yaml-language-server: $schema=%s\n", schema)
	fmt.Fprintf(&b, "apiVersion: %s\nkind: %s\nmetadata:\n", CurrentAPIVersion, ApplicationKind)
	fmt.Fprintf(&b, "  name: %s\n  team: %s\n  project: %s\n", plain(m.Name), plain(m.Team), plain(m.Project))
	fmt.Fprintf(&b, "spec:\n  port: %d\n", DefaultPort)
	return b.Bytes(), nil
}

// words are names that YAML takes for something else than text.
var words = map[Name]bool{"true": true, "false": true, "null": true, "yes": true, "no": true, "on": true, "off": true, "y": true, "n": true}

func plain(n Name) string {
	if words[n] {
		return fmt.Sprintf("%q", string(n))
	}
	return string(n)
}
