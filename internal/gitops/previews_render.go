package gitops

import (
	"maps"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/internal/fault"
)

const previewNotice = `# Written by pave preview enable. Change platform.yaml in the application's
# repository and enable it again; an edit here stops that until it is reverted.
`

// What Argo CD puts in for each pull request. Nothing else of a pull request is
// used: a title, a branch or an author is text that anybody may choose.
const (
	theNumber = "{{.number}}"
	theCommit = "{{.head_sha}}"
)

// Render gives applicationset.yaml: Argo CD's argoproj.io/v1alpha1 ApplicationSet.
// The same previews give the same bytes.
func (p Previews) Render() ([]byte, error) {
	pulls := map[string]any{
		"requeueAfterSeconds": p.Refresh,
		"filters":             []any{p.filter()},
	}
	maps.Copy(pulls, p.Forge.generator())
	generator := map[string]any{"pullRequest": pulls}
	if s := selector(p.Expired); s != nil {
		generator["selector"] = s
	}
	document := map[string]any{
		"apiVersion": "argoproj.io/v1alpha1",
		"kind":       "ApplicationSet",
		"metadata": map[string]any{
			"name":        p.Name(),
			"namespace":   either(p.ArgoCDNamespace, "argocd"),
			"labels":      p.labels(),
			"annotations": map[string]string{AnnotationSeal: unsealed},
		},
		"spec": map[string]any{
			"goTemplate":        true,
			"goTemplateOptions": []string{"missingkey=error"},
			"generators":        []any{generator},
			"template":          p.template(),
		},
	}
	body, err := yaml.Marshal(document) // sorts keys
	if err != nil {
		return nil, fault.Inputf("%s: %w", p.Path(), err)
	}
	return seal(append([]byte(previewNotice), body...)), nil
}

func (p Previews) filter() map[string]any {
	f := map[string]any{"branchMatch": PreviewBranches(p.App)}
	if p.Target != "" {
		f["targetBranchMatch"] = "^" + regexp.QuoteMeta(p.Target) + "$"
	}
	return f
}

// template is the Application of one pull request.
func (p Previews) template() map[string]any {
	labels := p.labels()
	labels[LabelPullRequest] = theNumber
	annotations := map[string]string{annotationRevision: theCommit}
	if p.Ingress {
		url := "https://" + PreviewHost(p.App, theNumber, p.Domain)
		annotations[AnnotationURL], annotations[annotationLink] = url, url
	}
	return map[string]any{
		"metadata": map[string]any{
			"name": p.ApplicationName(theNumber), "labels": labels, "annotations": annotations,
			// Removing the Application removes what it deployed.
			"finalizers": []string{"resources-finalizer.argocd.argoproj.io"},
		},
		"spec": map[string]any{
			"project":     p.Project,
			"destination": map[string]any{"server": either(p.Cluster, ownCluster), "namespace": PreviewNamespace(p.Project)},
			"source": map[string]any{
				"repoURL":        p.Chart.repoURL(),
				"chart":          p.Chart.Name,
				"targetRevision": p.Chart.Version,
				"helm":           map[string]any{"releaseName": PreviewName(p.App, theNumber), "valuesObject": p.values()},
			},
			"syncPolicy": syncPolicy(),
		},
	}
}

// values are the chart's, those of each pull request among them.
func (p Previews) values() map[string]any {
	values, _ := literal(p.Values).(map[string]any)
	values["name"] = PreviewName(p.App, theNumber)
	values["preview"] = map[string]any{"commit": theCommit}
	if p.Ingress {
		ingress, _ := values["ingress"].(map[string]any)
		ingress["host"] = PreviewHost(p.App, theNumber, p.Domain)
	}
	return values
}

// literal keeps Argo CD from taking a team's text for a template. What it returns
// shares nothing with v.
func literal(v any) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, "{{", `{{"{{"}}`)
	case map[string]any:
		all := make(map[string]any, len(v))
		for key, value := range v {
			all[strings.ReplaceAll(key, "{{", `{{"{{"}}`)] = literal(value)
		}
		return all
	case []any:
		all := make([]any, len(v))
		for i, value := range v {
			all[i] = literal(value)
		}
		return all
	}
	return v
}
