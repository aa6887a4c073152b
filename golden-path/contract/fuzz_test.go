package contract_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/internal/fault"
)

// maxSeed keeps the fuzzer from spending its time on making large seeds small.
const maxSeed = 4 << 10

// FuzzParse holds the parser to its promise on any input: an application that
// survives merging, or an input error whose every problem has a place.
func FuzzParse(f *testing.F) {
	f.Add([]byte(smallest))
	f.Add([]byte(spec("ports: [{name: m, port: 9090}]", "env: {A: 1}", "secrets: [{name: s}]", "replicas: 3")))
	f.Add([]byte(spec("ingress: {host: a.b, tls: false}", "probes: {liveness: {path: /h}}", "resources: {limits: {cpu: 1}}")))
	f.Add([]byte(spec("environments: {staging: {replicas: 2, env: {A: b}}, production: {ingress: {host: c.d}}}")))
	for _, c := range badInput {
		if len(c.file) <= maxSeed {
			f.Add([]byte(c.file))
		}
	}
	for _, c := range badFeatures {
		f.Add([]byte(spec(c.lines...)))
	}
	f.Add([]byte("a: &a [*a]\n<<: {? [x] : y}\n--- !!binary |\n"))
	f.Add([]byte("\xef\xbb\xbf{}"))
	f.Add([]byte(strings.Repeat("- ", 200) + "x"))
	f.Add([]byte("a:\n  b: |2-\n   x\n\t# c\n..."))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := contract.Parse("platform.yaml", data)
		if err == nil {
			for _, e := range []contract.Environment{contract.Staging, contract.Production} {
				if s := a.For(e); s.Replicas < 1 == (s.Autoscaling == nil) || s.Resources.Limits.Memory == "" {
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

// FuzzMerge holds merging to its order on any two overrides: what an environment
// sets holds, what it does not set is as in spec, and the application stays as
// it is.
func FuzzMerge(f *testing.F) {
	f.Add("{replicas: 3}", "{replicas: 2}")
	f.Add("{autoscaling: {maxReplicas: 4}}", "{autoscaling: {minReplicas: 2, maxReplicas: 5, cpu: 50}}")
	f.Add("{env: {A: b, C: d}}", "{env: {A: x}, resources: {limits: {cpu: 2}}}")
	f.Add("{ingress: {host: a.b}}", "{ingress: {tls: false, host: c.d}}")
	f.Add("{rollout: {strategy: canary}}", "{rollout: {strategy: blueGreen, blueGreen: {autoPromote: true}}}")
	f.Add("{database: {enabled: true}}", "{database: {instances: 3, storage: {size: 20Gi}}}")
	f.Add("{alerts: [{name: A, expr: up}]}", "{alerts: []}")
	f.Fuzz(func(t *testing.T, base, over string) {
		if strings.ContainsAny(base+over, "\n\r") {
			return
		}
		file := strings.Replace(smallest, "spec:\n  port: 8080\n", "spec: "+base+"\n", 1)
		alone, err := contract.Parse("platform.yaml", []byte(file))
		if err != nil || !strings.HasSuffix(base, "}") || alone.Spec.Environments != (contract.Environments{}) {
			return
		}
		both := strings.TrimSuffix(file, "}\n") + ", environments: {production: " + over + "}}\n"
		a, err := contract.Parse("platform.yaml", []byte(both))
		if err != nil || a.Spec.Environments.Production == nil {
			return
		}
		before := a.For("")
		got, o := a.For(contract.Production), a.Spec.Environments.Production
		if diff := cmp.Diff(alone.For(contract.Production), a.For(contract.Staging)); diff != "" {
			t.Errorf("staging is not as spec says:\n%s", diff)
		}
		if diff := cmp.Diff(before, a.For("")); diff != "" {
			t.Errorf("merging changes the application:\n%s", diff)
		}
		if o.Replicas != 0 && (got.Replicas != o.Replicas || got.Autoscaling != nil) || o.Autoscaling != nil && got.Autoscaling == nil {
			t.Errorf("replicas %d and autoscaling %v, production says %d and %v", got.Replicas, got.Autoscaling, o.Replicas, o.Autoscaling)
		}
		if o.Alerts != nil && len(got.Alerts) != len(o.Alerts) {
			t.Errorf("%d alerts, production says %d", len(got.Alerts), len(o.Alerts))
		}
		for name, value := range o.Env {
			if got.Env[name] != value {
				t.Errorf("env %s is %q, production says %q", name, got.Env[name], value)
			}
		}
		for name, value := range before.Env {
			if _, changed := o.Env[name]; !changed && got.Env[name] != value {
				t.Errorf("env %s is %q, spec says %q", name, got.Env[name], value)
			}
		}
	})
}
