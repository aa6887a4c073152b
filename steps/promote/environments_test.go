package promote_test

import (
	"testing"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/steps/promote"
)

func TestTheOrderOfEnvironments(t *testing.T) {
	const three = "environments: [dev, acceptance, live]\noptional: [acceptance]\n"
	const strict = "environments: [dev, acceptance, live]\n"
	for name, c := range map[string]struct {
		declared, from, to string
		wantFrom, wantTo   string
		kind               fault.Kind
		words              []string
	}{
		"by default production follows staging":               {wantFrom: "staging", wantTo: "production"},
		"the first goes to the second":                        {declared: three, wantFrom: "dev", wantTo: "acceptance"},
		"the second goes to the third":                        {declared: three, from: "acceptance", wantFrom: "acceptance", wantTo: "live"},
		"an optional one is skipped if it is named":           {declared: three, from: "dev", to: "live", wantFrom: "dev", wantTo: "live"},
		"another one is not skipped":                          {declared: strict, from: "dev", to: "live", kind: fault.Gate, words: []string{"would skip acceptance", "apps/shop/environments.yaml: dev, acceptance, live", "promote to acceptance first"}},
		"nothing follows the last":                            {declared: three, from: "live", kind: fault.Input, words: []string{"live is the last environment"}},
		"there is no way back":                                {declared: three, from: "acceptance", to: "dev", kind: fault.Input, words: []string{"dev does not come after acceptance", "pave promote rollback"}},
		"nor to the same":                                     {from: "staging", to: "staging", kind: fault.Input, words: []string{"does not come after"}},
		"an environment that is not declared":                 {to: "../etc", kind: fault.Input, words: []string{`no environment "../etc" (the platform's default: staging, production)`}},
		"one environment is none":                             {declared: "environments: [dev]\n", kind: fault.Input, words: []string{"declares 1 environments"}},
		"an environment twice":                                {declared: "environments: [dev, dev]\n", kind: fault.Input, words: []string{"environment dev twice"}},
		"a name that leaves":                                  {declared: "environments: [dev, ../x]\n", kind: fault.Input, words: []string{"not a DNS label"}},
		"an optional one that is not there":                   {declared: "environments: [dev, live]\noptional: [x]\n", kind: fault.Input, words: []string{`optional environment "x"`}},
		"a soak is no matter without a cluster that is asked": {declared: "environments: [dev, live]\nsoak: {live: 10m}\n", wantFrom: "dev", wantTo: "live"},
		"a soak of no environment":                            {declared: "environments: [dev, live]\nsoak: {test: 10m}\n", kind: fault.Input, words: []string{`soak of "test", which is not among the environments`}},
		"a soak below nothing":                                {declared: "environments: [dev, live]\nsoak: {dev: -1m}\n", kind: fault.Input, words: []string{"the soak of dev is below nothing: -1m0s"}},
		"a soak that is no time":                              {declared: "environments: [dev, live]\nsoak: {dev: 10}\n", kind: fault.Failed, words: []string{"10 is not a time span: write it as in 10m"}},
		"a soak of unknown units":                             {declared: "environments: [dev, live]\nsoak: {dev: 3 days}\n", kind: fault.Failed, words: []string{`"3 days" is not a time span`}},
		"a misspelt field":                                    {declared: "environment: [dev, live]\n", kind: fault.Failed, words: []string{"environments.yaml in the repository is damaged"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := gittest.Start(t, gittest.Options{})
			for _, environment := range []string{"staging", "dev", "acceptance", "live"} {
				put(t, s, application(environment, "web", 1, nil))
			}
			if c.declared != "" {
				s.Commit(t, "main", "declare", map[string]string{"apps/shop/environments.yaml": c.declared})
			}
			o := promote.Options{Common: common(s), From: c.from, To: c.to, ValuesFile: file(t, "replicas: 2\n")}
			r, err := promote.Run(t.Context(), o)
			if c.words != nil {
				refused(t, s, err, c.kind, c.words...)
				return
			}
			if err != nil || r.From != c.wantFrom || r.To != c.wantTo || !r.Changed {
				t.Fatalf("%+v, %v", r, err)
			}
			entries := history(t, s, c.wantTo)
			last := entries[len(entries)-1]
			if last.From != c.wantFrom || last.To != c.wantTo || last.Action != gitops.Promote {
				t.Errorf("%+v", last)
			}
		})
	}
}
