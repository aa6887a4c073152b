package main

import (
	"strings"
	"testing"
)

func TestTheListIsWrittenInTheWordsOfEachProgram(t *testing.T) {
	list := []mirrored{{"app", "1.0"}}
	for by, want := range map[string][]string{
		"pave-mirror": {"kind: ImageList", `target: "to:2/library"`, `{name: app, source: "from:1/up/app", tags: ["1.0"]}`},
		"skopeo":      {"from:1:\n", `up/app: ["1.0"]`},
		"regsync":     {`registry: "from:1", tls: disabled, reqConcurrent: 8`, "parallel: 8", `source: "from:1/up/app:1.0", target: "to:2/library/app:1.0"`},
		"crane":       {"from:1/up/app:1.0 to:2/library/app:1.0\n"},
	} {
		got := listFor(by, "from:1", "to:2", list)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: %q is not in\n%s", by, w, got)
			}
		}
	}
}
