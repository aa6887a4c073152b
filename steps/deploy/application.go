package deploy

import (
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/internal/fault"
)

// Labels and annotations of an Application. The annotations are what promotion
// and rollback read.
const (
	labelName        = "app.kubernetes.io/name"
	labelPartOf      = "app.kubernetes.io/part-of"
	labelManagedBy   = "app.kubernetes.io/managed-by"
	labelTeam        = "pave.dev/team"
	labelEnvironment = "pave.dev/environment"

	annotationImage    = "pave.dev/image"
	annotationRevision = "pave.dev/source-revision"
	annotationSeal     = "pave.dev/content-hash"
)

// ownCluster is how Argo CD names the cluster that it runs in.
const ownCluster = "https://kubernetes.default.svc"

const notice = `# Written by pave deploy. Change platform.yaml in the application's repository
# and deploy; an edit here stops the next deploy until it is reverted.
`

// application renders application.yaml: Argo CD's argoproj.io/v1alpha1
// Application. The same options give the same bytes.
func application(o Options, t target, image name.Digest, v *values) ([]byte, error) {
	spec := map[string]any{
		"project":     t.project,
		"destination": map[string]any{"server": either(o.Cluster, ownCluster), "namespace": t.namespace()},
		"source": map[string]any{
			"repoURL":        o.Chart.repoURL(),
			"chart":          o.Chart.Name,
			"targetRevision": o.Chart.Version,
			"helm":           map[string]any{"releaseName": t.app, "valuesObject": v.fields},
		},
		"syncPolicy": syncPolicy(),
	}
	if v.canary() {
		leaveWeights(spec)
	}
	document := map[string]any{
		"apiVersion": "argoproj.io/v1alpha1",
		"kind":       "Application",
		"metadata": map[string]any{
			"name":        t.name(),
			"namespace":   either(o.ArgoCDNamespace, "argocd"),
			"labels":      labels(t, v.text("team")),
			"annotations": annotations(o, image),
			// Deleting the Application deletes what it deployed.
			"finalizers": []string{"resources-finalizer.argocd.argoproj.io"},
		},
		"spec": spec,
	}
	body, err := yaml.Marshal(document) // sorts keys
	if err != nil {
		return nil, fault.Inputf("%s: %w", v.file, err)
	}
	return seal(append([]byte(notice), body...)), nil
}

func labels(t target, team string) map[string]string {
	l := map[string]string{
		labelName:        t.app,
		labelPartOf:      t.project,
		labelManagedBy:   "pave",
		labelEnvironment: t.environment,
	}
	if dnsLabel.MatchString(team) && len(team) <= maxLabel {
		l[labelTeam] = team
	}
	return l
}

func annotations(o Options, image name.Digest) map[string]string {
	a := map[string]string{annotationImage: image.Name(), annotationSeal: unsealed}
	if o.Revision != "" {
		a[annotationRevision] = o.Revision
	}
	return a
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
			"backoff": map[string]any{"duration": "5s", "factor": 2, "maxDuration": "3m"},
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

// message is the commit's: a conventional subject, and trailers for programs.
func message(o Options, t target, image name.Digest) string {
	const short = 12 // hexadecimal digits, as docker images shows
	digest := strings.TrimPrefix(image.DigestStr(), "sha256:")[:short]
	var b strings.Builder
	b.WriteString("deploy(" + t.project + "/" + t.environment + "): " + t.app + " " + digest + "\n\n")
	b.WriteString("Image: " + image.Name() + "\n")
	b.WriteString("Chart: " + o.Chart.ref() + "\n")
	if o.Revision != "" {
		b.WriteString("Source-Revision: " + o.Revision + "\n")
	}
	return b.String()
}

func either(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
