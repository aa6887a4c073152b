package contract_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/internal/fault"
)

// FuzzParse holds the parser to its promise on any input: an application that
// survives merging, or an input error whose every problem has a place.
func FuzzParse(f *testing.F) {
	f.Add([]byte(smallest))
	f.Add([]byte(spec("ports: [{name: m, port: 9090}]", "env: {A: 1}", "secrets: [{name: s}]", "replicas: 3")))
	f.Add([]byte(spec("ingress: {host: a.b, tls: false}", "probes: {liveness: {path: /h}}", "resources: {limits: {cpu: 1}}")))
	f.Add([]byte(spec("environments: {staging: {replicas: 2, env: {A: b}}, production: {ingress: {host: c.d}}}")))
	f.Add([]byte("a: &a [*a]\n<<: {? [x] : y}\n--- !!binary |\n"))
	f.Add([]byte("\xef\xbb\xbf{}"))
	f.Add([]byte(strings.Repeat("- ", 200) + "x"))
	f.Add([]byte("a:\n  b: |2-\n   x\n\t# c\n..."))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := contract.Parse("platform.yaml", data)
		if err == nil {
			for _, e := range []contract.Environment{contract.Staging, contract.Production} {
				if s := a.For(e); s.Replicas < 1 || s.Resources.Limits.Memory == "" {
					t.Errorf("%s is incomplete: %+v", e, s)
				}
			}
			return
		}
		problems, ok := errors.AsType[contract.Problems](err)
		if !ok || len(problems) == 0 || fault.KindOf(err) != fault.Input {
			t.Fatalf("not an input error with problems: %v", err)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Message == "" {
				t.Errorf("a problem without a place: %+v", p)
			}
		}
	})
}
