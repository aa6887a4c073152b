package argocd_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/lab"
	"github.com/pave-platform/pave/steps/deploy"
)

// problems deploys what cannot become Healthy, each for another reason, and reads
// what the real kubelet, API server and Argo CD say of it.
func (p *platform) problems(t *testing.T) {
	p.apply(t, `
apiVersion: v1
kind: ResourceQuota
metadata: {name: project, namespace: demo-quota}
spec: {hard: {limits.memory: 100Mi, requests.memory: 100Mi}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: only-odd}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}]}
  validations: [{expression: "false", message: Deployments are not welcome here}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: only-odd}
spec: {policyName: only-odd, validationActions: [Deny], matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: demo-strict}}}}
`)
	good := p.web(t, lab.Web{Text: "good"})
	repository, _, _ := strings.Cut(good, "@")
	for name, c := range map[string]struct {
		environment string
		app         string
		image       string
		changes     map[string]any
		spoil       func(*deploy.Options)
		early       bool // it does not wait for the timeout
		kind        fault.Kind
		reason      argocd.Reason
		text        string
	}{
		"an image that is not there": {
			app: "pull", image: repository + "@sha256:" + strings.Repeat("0", 64),
			kind: fault.Failed, reason: argocd.ImagePull, text: "the registry does not have the image: " + p.Registry,
		},
		"a container that crashes": {
			app: "crash", image: p.web(t, lab.Web{Crash: true}),
			kind: fault.Failed, reason: argocd.CrashLoop, text: "ends with exit code",
		},
		"probes that fail": {
			app: "broken", image: p.web(t, lab.Web{Broken: true}),
			kind: fault.Failed, reason: argocd.Probe, text: "probe fails: HTTP probe failed with statuscode: 500",
		},
		"a pod that fits on no node": {
			app: "large", image: good, changes: map[string]any{"resources": map[string]any{
				"requests": map[string]any{"cpu": "1000", "memory": "32Mi"}, "limits": map[string]any{"cpu": "1000", "memory": "64Mi"},
			}},
			kind: fault.Failed, reason: argocd.Unschedulable, text: "Insufficient cpu",
		},
		"a quota that is used up": {
			environment: "quota", app: "quota", image: good,
			kind: fault.Failed, reason: argocd.Quota, text: "the namespace has no more room: quota project",
		},
		"a policy that refuses": {
			environment: "strict", app: "strict", image: good, early: true,
			kind: fault.Gate, reason: argocd.Refused, text: "policy only-odd refuses it: Deployments are not welcome here",
		},
		"a chart version that is not there": {
			app: "chart", image: good, spoil: func(o *deploy.Options) { o.Chart.Version = "99.0.0" }, early: true,
			kind: fault.Failed, reason: argocd.Comparison, text: "99.0.0",
		},
		"a namespace that is not the project's": {
			environment: "elsewhere", app: "elsewhere", image: good, early: true,
			kind: fault.Gate, reason: argocd.NotAllowed, text: "do not match any of the allowed destinations in project 'demo'",
		},
		"a kind that the cluster does not know": {
			app: "unknown", image: good, changes: map[string]any{"ingress": map[string]any{"host": "unknown.example.internal", "tls": false}},
			kind: fault.Failed, reason: argocd.SyncFailed, text: "the cluster does not know kind",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environment := c.environment
			if environment == "" {
				environment = "staging"
			}
			o := p.options(t, environment, c.app, c.image, c.changes)
			o.Timeout = time.Minute
			if c.early {
				o.Timeout = 10 * time.Minute
			}
			if c.spoil != nil {
				c.spoil(&o)
			}
			r, err := p.try(t, o)
			var failure *argocd.Failure
			if !errors.As(err, &failure) || fault.KindOf(err) != c.kind {
				t.Fatalf("got %v", err)
			}
			found := false
			for _, problem := range r.Problems {
				found = found || problem.Reason == c.reason && strings.Contains(problem.Text, c.text) && problem.Fix != ""
			}
			if !found {
				t.Errorf("it does not say %s: %s, but %+v", c.reason, c.text, r.Problems)
			}
			if c.early && !failure.Final {
				t.Errorf("it waited %.0f s for nothing", r.WaitedSeconds)
			}
			t.Log(err)
			p.remove(t, r.Path)
		})
	}
}

// guarded commits, into the folder of one project, Applications that are of another.
func (p *platform) guarded(t *testing.T) {
	o := p.options(t, "staging", "guarded", p.web(t, lab.Web{Text: "guarded"}), nil)
	o.Wait = false
	r := p.run(t, o)
	for name, change := range map[string][2]string{
		"of another project":     {"  project: demo\n", "  project: default\n"},
		"for another namespace":  {"    namespace: demo-staging\n", "    namespace: kube-system\n"},
		"with another's project": {"  project: demo\n", "  project: platform\n"},
	} {
		altered := strings.Replace(r.Manifest, change[0], change[1], 1)
		if altered == r.Manifest {
			t.Fatalf("%s: there is no %q in\n%s", name, change[0], r.Manifest)
		}
		altered = strings.ReplaceAll(altered, "name: "+r.Application+"\n", "name: "+r.Application+"-x\n")
		p.gitops.Commit(t, "main", "an Application "+name, map[string]string{"apps/demo/staging/guarded-x/application.yaml": altered})
		p.parentSays(t, "is in the folder of demo")
		if _, err := p.client(t).State(t.Context(), r.Application+"-x"); !errors.Is(err, argocd.ErrMissing) {
			t.Errorf("%s: it is there: %v", name, err)
		}
	}
	p.remove(t, "apps/demo/staging/guarded-x/application.yaml")
	p.remove(t, r.Path)
}
