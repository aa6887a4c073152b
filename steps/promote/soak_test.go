package promote_test

import (
	"testing"
	"time"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/steps/promote"
)

const declaredSoak = "environments: [staging, production]\nsoak: {staging: 10m}\n"

func TestAPromotionWaitsForTheSoakByTheClustersClock(t *testing.T) {
	for name, c := range map[string]struct {
		declared string
		flag     *time.Duration
		healthy  time.Duration // at the time of the promotion
		skew     time.Duration // of the cluster's clock, against the local one
		alter    func(*argocd.State)
		words    []string // empty: it is promoted
	}{
		"long enough, as declared":                       {declared: declaredSoak, healthy: 10 * time.Minute},
		"long enough, as the flag says":                  {flag: soak(time.Hour), healthy: time.Hour},
		"not long enough, as declared":                   {declared: declaredSoak, healthy: 9*time.Minute + 59*time.Second, words: []string{"web of staging is Healthy for 9m59s with 000100000000, and 10m0s are asked for (apps/shop/environments.yaml); promote again after ", " by the cluster's clock"}},
		"not long enough, as the flag says":              {declared: declaredSoak, flag: soak(time.Hour), healthy: 30 * time.Minute, words: []string{"1h0m0s are asked for (--soak)"}},
		"the flag goes before the declaration":           {declared: declaredSoak, flag: soak(time.Minute), healthy: 2 * time.Minute},
		"nothing is asked for, and it is just Healthy":   {healthy: 0},
		"the cluster's clock is hours behind":            {declared: declaredSoak, healthy: 11 * time.Minute, skew: -5 * time.Hour},
		"the cluster's clock is hours ahead":             {declared: declaredSoak, healthy: 11 * time.Minute, skew: 5 * time.Hour},
		"behind, and not long enough":                    {declared: declaredSoak, healthy: time.Minute, skew: -5 * time.Hour, words: []string{"is Healthy for 1m0s"}},
		"ahead, and not long enough":                     {declared: declaredSoak, healthy: time.Minute, skew: 5 * time.Hour, words: []string{"is Healthy for 1m0s"}},
		"Argo CD's own clock is before the API server's": {declared: declaredSoak, healthy: -time.Minute, words: []string{"is Healthy for 0s"}},
		"it is not said since when": {declared: declaredSoak, alter: func(s *argocd.State) { s.HealthySince = time.Time{} },
			words: []string{"Argo CD does not say since when web of staging is Healthy", "go without with --soak 0s"}},
		"it is not Healthy":        {healthy: time.Hour, alter: func(s *argocd.State) { s.Health = argocd.Progressing }, words: []string{"web of staging is not well: it is Synced and Progressing; look at kubectl describe application shop-staging-web -n argocd"}},
		"it is not Synced":         {healthy: time.Hour, alter: func(s *argocd.State) { s.Sync = argocd.OutOfSync }, words: []string{"it is OutOfSync and Healthy"}},
		"it is being synced":       {healthy: time.Hour, alter: func(s *argocd.State) { s.Operation.Running = true }, words: []string{"it is being synced"}},
		"it was not compared":      {healthy: time.Hour, alter: func(s *argocd.State) { s.Current = false }, words: []string{"Argo CD has not compared it yet"}},
		"it is being deleted":      {healthy: time.Hour, alter: func(s *argocd.State) { s.Deleting = true }, words: []string{"it is being deleted"}},
		"it is of another release": {healthy: time.Hour, alter: func(s *argocd.State) { s.ContentHash = digest(9) }, words: []string{"Argo CD has not taken up what Git has for web of staging, 000100000000"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, gittest.Options{})
			if c.declared != "" {
				s.Commit(t, "main", "declare", map[string]string{"apps/shop/environments.yaml": c.declared})
			}
			a := newCluster(t, s)
			a.now = time.Now().UTC().Truncate(time.Second).Add(c.skew)
			a.since = a.now.Add(-c.healthy)
			if c.alter != nil {
				a.alter = func(_ string, s *argocd.State) { c.alter(s) }
			}
			o := options(t, s)
			o.Soak, o.ArgoCD = c.flag, remote(a.URL)
			r, err := promote.Run(t.Context(), o)
			if c.words != nil {
				refused(t, s, err, fault.Gate, c.words...)
				return
			}
			if err != nil || !r.Changed || r.Soak == nil || !r.Soak.HealthySince.Equal(a.since) {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

func TestAnEnvironmentThatArgoCDDoesNotHaveIsNotPromotedFrom(t *testing.T) {
	s := start(t, gittest.Options{})
	a := newCluster(t, s)
	a.away["shop-staging-web"] = true
	o := options(t, s)
	o.ArgoCD = remote(a.URL)
	_, err := promote.Run(t.Context(), o)
	refused(t, s, err, fault.Gate, "web is not in staging as Argo CD has it", "the cluster does not have it")
}

func TestAClusterThatDoesNotAnswerStopsAPromotion(t *testing.T) {
	s := start(t, gittest.Options{})
	a := newCluster(t, s)
	a.down = true
	_, err := promote.Run(t.Context(), followed(t, s, a))
	refused(t, s, err, fault.Failed, "the cluster does not answer")
}

func TestWithoutAClusterNobodyPretends(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*promote.Options)
		kind  fault.Kind
		words []string
	}{
		"to wait":           {func(o *promote.Options) { o.Wait = true }, fault.Input, []string{"--wait asks the cluster that Argo CD runs in, and none is given; give --kubeconfig-file"}},
		"to look at a soak": {func(o *promote.Options) { o.Soak = soak(time.Minute) }, fault.Input, []string{"--soak asks the cluster", "give --kubeconfig-file"}},
		"to have a soak that is declared": {func(*promote.Options) {}, fault.Gate,
			[]string{"apps/shop/environments.yaml asks for 10m0s of staging being Healthy, and no cluster is given that tells; give --kubeconfig-file or --kubeconfig-env, or go without with --soak 0s"}},
		"a soak below nothing":          {func(o *promote.Options) { o.Soak = soak(-time.Minute) }, fault.Input, []string{"--soak is below nothing"}},
		"a timeout that is not for":     {func(o *promote.Options) { o.Timeout = time.Minute }, fault.Input, []string{"--timeout and --steady are for a release that is followed"}},
		"to reject what nobody follows": {func(o *promote.Options) { o.RejectFailed = true }, fault.Input, []string{"--reject-on-failure is for a release that is followed"}},
	} {
		t.Run("it refuses "+name, func(t *testing.T) {
			s := start(t, gittest.Options{})
			s.Commit(t, "main", "declare", map[string]string{"apps/shop/environments.yaml": declaredSoak})
			o := options(t, s)
			c.spoil(&o)
			_, err := promote.Run(t.Context(), o)
			refused(t, s, err, c.kind, c.words...)
		})
	}
	s := start(t, gittest.Options{})
	s.Commit(t, "main", "declare", map[string]string{"apps/shop/environments.yaml": declaredSoak})
	o := options(t, s)
	o.Soak = soak(0)
	if r := run(t, o); !r.Changed || r.Soak != nil {
		t.Errorf("told to go without: %+v", r)
	}
	o.Soak = nil
	if r := run(t, o); r.Changed {
		t.Errorf("what is there already needs no soak: %+v", r)
	}
}
