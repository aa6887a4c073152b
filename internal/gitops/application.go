// Package gitops is the format of the GitOps repository: which file is where,
// and what is in it. Everything that writes there writes through this package,
// so that what one command writes the others can read.
package gitops

import (
	"bytes"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/internal/fault"
)

// Release is what is deployed, whole: the same release gives the same manifests.
type Release struct {
	Image    string         `json:"image"` // registry/project/app@sha256:…
	Chart    Chart          `json:"chart"`
	Revision string         `json:"revision,omitempty"` // the source's commit
	Values   map[string]any `json:"values"`             // the chart's, with the image; numbers are json.Number
}

// Application is a release in a place, as application.yaml says it.
type Application struct {
	Target
	Release
	Cluster         string // Kubernetes API that Argo CD deploys to; empty: its own
	ArgoCDNamespace string // empty: argocd
}

// AnnotationImage and AnnotationSeal are what an Application says of itself in the
// cluster as well: its image by digest, and the hash of application.yaml.
const (
	AnnotationImage = "pave.dev/image"
	AnnotationSeal  = "pave.dev/content-hash"
)

// Labels and annotations of an Application.
const (
	labelName        = "app.kubernetes.io/name"
	labelPartOf      = "app.kubernetes.io/part-of"
	labelManagedBy   = "app.kubernetes.io/managed-by"
	labelTeam        = "pave.dev/team"
	labelEnvironment = "pave.dev/environment"

	annotationRevision = "pave.dev/source-revision"
)

// ownCluster is how Argo CD names the cluster that it runs in.
const ownCluster = "https://kubernetes.default.svc"

const notice = `# Written by pave deploy. Change platform.yaml in the application's repository
# and deploy; an edit here stops the next deploy until it is reverted.
`

// Render gives application.yaml: Argo CD's argoproj.io/v1alpha1 Application.
// The same application gives the same bytes.
func (a Application) Render() ([]byte, error) {
	spec := map[string]any{
		"project":     a.Project,
		"destination": map[string]any{"server": either(a.Cluster, ownCluster), "namespace": a.Namespace()},
		"source": map[string]any{
			"repoURL":        a.Chart.repoURL(),
			"chart":          a.Chart.Name,
			"targetRevision": a.Chart.Version,
			"helm":           map[string]any{"releaseName": a.App, "valuesObject": a.Values},
		},
		"syncPolicy": syncPolicy(),
	}
	if a.canary() {
		leaveWeights(spec)
	}
	document := map[string]any{
		"apiVersion": "argoproj.io/v1alpha1",
		"kind":       "Application",
		"metadata": map[string]any{
			"name":        a.Name(),
			"namespace":   either(a.ArgoCDNamespace, "argocd"),
			"labels":      a.labels(),
			"annotations": a.annotations(),
			// Deleting the Application deletes what it deployed.
			"finalizers": []string{"resources-finalizer.argocd.argoproj.io"},
		},
		"spec": spec,
	}
	body, err := yaml.Marshal(document) // sorts keys
	if err != nil {
		return nil, fault.Inputf("%s: %w", a.Path(), err)
	}
	return seal(append([]byte(notice), body...)), nil
}

func (a Application) labels() map[string]string {
	l := map[string]string{
		labelName:        a.App,
		labelPartOf:      a.Project,
		labelManagedBy:   "pave",
		labelEnvironment: a.Environment,
	}
	if team := text(a.Values, "team"); dnsLabel.MatchString(team) && len(team) <= maxLabel {
		l[labelTeam] = team
	}
	return l
}

func (a Application) annotations() map[string]string {
	m := map[string]string{AnnotationImage: a.Image, AnnotationSeal: unsealed}
	if a.Revision != "" {
		m[annotationRevision] = a.Revision
	}
	return m
}

// canary tells whether the base chart rolls the application out in steps.
func (a Application) canary() bool {
	rollout, _ := a.Values["rollout"].(map[string]any)
	return rollout["strategy"] == "canary"
}

// syncPolicy keeps the cluster as Git says. The project's namespace exists
// before the first deploy, with its quotas and policies: Argo CD must not make
// one without them.
func syncPolicy() map[string]any {
	return map[string]any{
		"automated":   map[string]any{"prune": true, "selfHeal": true},
		"syncOptions": []string{"CreateNamespace=false"},
		"retry": map[string]any{
			"limit":   5,
			"backoff": map[string]any{"duration": "5s", "factor": 2, "maxDuration": "30s"}, // what comes next waits for it
			"refresh": true,                                                                // a retry is of what is wanted by then
		},
	}
}

// leaveWeights leaves the weights of a canary to Argo Rollouts: Argo CD's self-heal
// would set them back at every step.
func leaveWeights(spec map[string]any) {
	spec["ignoreDifferences"] = []any{map[string]any{
		"group": "traefik.io", "kind": "TraefikService",
		"jqPathExpressions": []string{".spec.weighted.services[].weight"},
	}}
	policy := spec["syncPolicy"].(map[string]any)
	policy["syncOptions"] = append(policy["syncOptions"].([]string), "RespectIgnoreDifferences=true")
}

// Digest is the image's, as sha256:….
func (r Release) Digest() string {
	_, digest, _ := strings.Cut(r.Image, "@")
	return digest
}

// Same tells whether both releases give the same manifests.
func (r Release) Same(other Release) bool {
	ours, err := yaml.Marshal(r)
	if err != nil {
		return false
	}
	theirs, err := yaml.Marshal(other)
	return err == nil && bytes.Equal(ours, theirs)
}

func either(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
