package gitops

import layout "github.com/pave-platform/pave/internal/gitops"

const guardName = "pave-applications-stay-in-their-project"

// guard is an admission policy that Argo CD's own projects cannot express: what is
// in apps/PROJECT/ENVIRONMENT makes Applications of that project only. Otherwise
// whoever may write to one project's folder could deploy as any other. Argo CD
// marks what it applies with the Application that it is from.
func guard() object {
	const project, namespace = `variables.from[1]`, `variables.from[1] + '-' + variables.from[2]`
	return object{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
		"metadata": metadata(guardName, waveGuard),
		"spec": object{
			"failurePolicy": "Fail",
			"matchConstraints": object{"resourceRules": []any{object{
				"apiGroups": []any{"argoproj.io"}, "apiVersions": []any{"v1alpha1"},
				"operations": []any{"CREATE", "UPDATE"}, "resources": []any{"applications", "applicationsets"},
			}}},
			"matchConditions": []any{object{
				"name":       "from-a-project-s-folder",
				"expression": `object.metadata.?annotations['argocd.argoproj.io/tracking-id'].orValue('').startsWith('` + layout.Root + `.')`,
			}},
			"variables": []any{
				object{"name": "from", "expression": `object.metadata.annotations['argocd.argoproj.io/tracking-id'].split(':')[0].split('.')`},
				object{"name": "spec", "expression": `object.kind == 'ApplicationSet' ? object.spec.template.spec : object.spec`},
			},
			"validations": []any{
				object{
					"expression":        `variables.from.size() == 3 && variables.spec.project == ` + project,
					"messageExpression": `object.kind + ' ' + object.metadata.name + ' is in the folder of ' + ` + project + ` + ', and of project ' + variables.spec.project`,
				},
				object{
					"expression":        `variables.spec.destination.?namespace.orValue('') == ` + namespace,
					"messageExpression": `object.kind + ' ' + object.metadata.name + ' is in the folder of ' + ` + namespace + ` + ', and for another namespace'`,
				},
				object{ // what a patch or a generator's own template says would not be looked at
					"expression": `object.kind != 'ApplicationSet' || !has(object.spec.templatePatch) && ` +
						`object.spec.generators.all(g, has(g.pullRequest) && !has(g.pullRequest.template) && g.all(key, key in ['pullRequest', 'selector']))`,
					"messageExpression": `object.kind + ' ' + object.metadata.name + ' is in the folder of a project, and not of pull requests with one template'`,
				},
			},
		},
	}
}

func (o Options) guardBinding() object {
	return object{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
		"metadata": metadata(guardName, waveGuard),
		"spec": object{
			"policyName": guardName, "validationActions": []any{"Deny"},
			"matchResources": object{"namespaceSelector": object{"matchLabels": object{"kubernetes.io/metadata.name": o.ArgoCDNamespace}}},
		},
	}
}
