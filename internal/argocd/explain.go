package argocd

import (
	"regexp"
)

// meaning is what a server's words stand for, in words for people.
type meaning struct {
	words  *regexp.Regexp
	reason Reason
	text   string // with the words' groups; empty: the words as they are
	fix    string // likewise
}

func means(words string, reason Reason, text, fix string) meaning {
	return meaning{regexp.MustCompile(`(?s)` + words), reason, text, fix}
}

// refusals are the words of API servers and Argo CD about an object that they do
// not take. The first that fits counts.
var refusals = []meaning{
	means(`admission webhook "([^"]+)" denied the request:?\s*(.*)`, Refused, "policy $1 refuses it: $2", "change the application as the policy says, or ask the platform team for an exception"),
	means(`ValidatingAdmissionPolicy '([^']+)' with binding '[^']+' denied request: (.*)`, Refused, "policy $1 refuses it: $2", "change the application as the policy says, or ask the platform team for an exception"),
	means(`violates PodSecurity "([^"]+)": (.*)`, Refused, "the namespace's pod security ($1) refuses it: $2", "set the pod's securityContext as the base chart does"),
	means(`exceeded quota: (.*)`, Quota, "the namespace has no more room: quota $1", "ask for less (resources, replicas), or ask the platform team for a larger quota"),
	means(`(?:maximum|minimum) \S+ usage per \S+ is .*`, Quota, "", "keep resources within the namespace's LimitRange"),
	means(`[Rr]esource (\S+) is not permitted in project (\S+?)\.?$`, NotAllowed, "project $2 may not have resources of kind $1", "leave it out, or let the platform team allow it in AppProject $2"),
	means(`namespace (\S+) is not permitted in project '?([^'\s]+)'?`, NotAllowed, "project $2 may not deploy to namespace $1", "deploy to a namespace of the project, or let the platform team add it to AppProject $2"),
	means(`namespaces? "([^"]+)" not found`, SyncFailed, "there is no namespace $1", "let the platform team make the project's namespaces first"),
	means(`(?:no matches for kind "([^"]+)" in version "([^"]+)").*`, SyncFailed, "the cluster does not know kind $1 ($2)", "install the operator that defines it, or turn the feature off"),
	means(`[Tt]he Kubernetes API could not find (\S+) for requested resource.*`, SyncFailed, "the cluster does not know kind $1", "install the operator that defines it, or turn the feature off"),
	means(`the server could not find the requested resource`, SyncFailed, "the cluster does not know its kind", "install the operator that defines it, or turn the feature off"),
	means(`(.*field is immutable.*|.*updates to statefulset spec for fields other than.*)`, SyncFailed, "a field changes that cannot change: $1", "delete the resource and let Argo CD make it anew, or change the field back"),
	means(`(unknown field "[^"]+"|ValidationError.*|.*strict decoding error.*|.*field not declared in schema.*)`, SyncFailed, "it is not as the cluster's schema says: $1", "use a chart version for this cluster's versions"),
	means(`(User "system:serviceaccount:[^"]+" cannot .*)`, SyncFailed, "Argo CD may not: $1", "let the platform team give Argo CD the right"),
	means(`(is invalid: .*)`, SyncFailed, "", "correct the values that it comes from"),
}

// explain gives what a server's words mean.
func explain(text string) (reason Reason, plain, fix string) {
	return explainBy(refusals, text, SyncFailed, "see kubectl describe application in Argo CD's namespace")
}

func explainBy(meanings []meaning, text string, otherwise Reason, fix string) (Reason, string, string) {
	for _, m := range meanings {
		at := m.words.FindStringSubmatchIndex(text)
		if at == nil {
			continue
		}
		plain := text
		if m.text != "" {
			plain = string(m.words.ExpandString(nil, m.text, text, at))
		}
		return m.reason, oneLine(plain), string(m.words.ExpandString(nil, m.fix, text, at))
	}
	return otherwise, oneLine(text), fix
}

// specs are Argo CD's words about an Application that it does not accept.
var specs = []meaning{
	means(`is not permitted in project|do not match any of the allowed destinations|not allowed`, NotAllowed, "", "use a chart repository and a namespace that the AppProject allows, or let the platform team extend it"),
	means(`references project (\S+) which does not exist`, NotGenerated, "", "let the platform team make the project first, with pave gitops init"),
}

func explainSpec(text string) (Reason, string) {
	reason, _, fix := explainBy(specs, text, SyncFailed, "correct the Application's destination and source")
	return reason, fix
}

// comparisons are the words of a repository server that has no manifests to give.
var comparisons = []meaning{
	means(`is not permitted in project`, NotAllowed, "", "use a chart repository that the AppProject allows"),
	means(`(?i)unauthorized|authentication required|denied|\b401\b|\b403\b`, Comparison, "", "give Argo CD a repository Secret for the chart's registry"),
	means(`(?i)x509|certificate signed by unknown authority`, Comparison, "", "put the platform's root CA into Argo CD's argocd-tls-certs-cm"),
	means(`(?i)execution error|template: |parse error|values don't meet|nil pointer|YAML parse error`, Comparison, "", "correct the values: the chart does not render with them"),
	means(`(?i)not found|no such|manifest unknown|name unknown`, Comparison, "", "push the chart with that version first, or deploy with a version that is there"),
	means(transport.String(), Comparison, "", "wait, or check Argo CD's repo-server and the chart's registry"),
}

func explainComparison(text string) (Reason, string) {
	reason, _, fix := explainBy(comparisons, text, Comparison, "check the chart and the values with pave chart")
	return reason, fix
}

// pulls are the words of a container runtime that does not get an image.
var pulls = []meaning{
	means(`(?i)not found|manifest unknown|name unknown`, ImagePull, "the registry does not have the image", "check that the digest was pushed to that registry, and not deleted since"),
	means(`(?i)unauthorized|authentication|denied|forbidden|\b401\b|\b403\b`, ImagePull, "the registry does not let the node have the image", "check the namespace's pull secret and the project's robot account"),
	means(`(?i)x509|certificate`, ImagePull, "the node does not trust the registry's certificate", "give the nodes the platform's root CA"),
	means(`(?i)toomanyrequests|too many requests|rate limit`, ImagePull, "the registry has had enough requests for now", "take the image from the platform's own registry"),
	means(`(?i)no match for platform|exec format`, ImagePull, "the image is for another kind of processor", "build it for the nodes' architecture"),
	means(`(?i)dial tcp|connection refused|no such host|i/o timeout|context deadline`, ImagePull, "the node does not reach the registry", "check the registry, and the node's way to it"),
	means(`(?i)InvalidImageName|couldn't parse image`, ImagePull, "the image's name is not valid", "correct the values"),
}

func explainPull(text string) (plain, fix string) {
	_, plain, fix = explainBy(pulls, text, ImagePull, "see kubectl describe pod")
	return plain, fix
}
