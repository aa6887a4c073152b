package gitops

import layout "github.com/pave-platform/pave/internal/gitops"

// platform is the Application that applies this package's files. It is the one
// thing that somebody has to apply by hand, once.
func (o Options) platform() object {
	return object{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
		"metadata": keep(o.metadata(platformName, waveRoot)),
		"spec": object{
			"project":     platformName,
			"source":      object{"repoURL": o.RepositoryURL, "targetRevision": o.Branch, "path": "platform", "directory": object{"recurse": true}},
			"destination": object{"server": ownCluster, "namespace": o.ArgoCDNamespace},
			"syncPolicy":  syncPolicy(),
		},
	}
}

const ownCluster = "https://kubernetes.default.svc"

func syncPolicy() object {
	return object{
		"automated": object{"prune": true, "selfHeal": true},
		"retry": object{
			"limit": 5, "backoff": object{"duration": "5s", "factor": 2, "maxDuration": "30s"},
			"refresh": true, // or one bad Application would hold up the folder until the last retry
		},
	}
}

// platformProject is what that Application may do: set up Argo CD from this
// repository, and nothing else.
func (o Options) platformProject() object {
	kinds := []any{kind("argoproj.io", "AppProject"), kind("argoproj.io", "Application"), kind("argoproj.io", "ApplicationSet")}
	if o.Credentials.Store != "" {
		kinds = append(kinds, kind("external-secrets.io", "ExternalSecret"))
	}
	return object{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
		"metadata": keep(o.metadata(platformName, waveProjects)),
		"spec": object{
			"description":  "What makes Argo CD follow this repository.",
			"sourceRepos":  []any{o.RepositoryURL},
			"destinations": []any{object{"server": ownCluster, "namespace": o.ArgoCDNamespace}},
			"clusterResourceWhitelist": []any{
				kind("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"), kind("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
			},
			"namespaceResourceWhitelist": kinds,
		},
	}
}

// appsProject is what the generated Applications may do: make Applications.
func (o Options) appsProject() object {
	return object{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
		"metadata": keep(o.metadata(layout.Root, waveProjects)),
		"spec": object{
			"description":                "The Applications that make the projects' Applications.",
			"sourceRepos":                []any{o.RepositoryURL},
			"destinations":               []any{object{"server": ownCluster, "namespace": o.ArgoCDNamespace}},
			"clusterResourceWhitelist":   []any{},
			"namespaceResourceWhitelist": []any{kind("argoproj.io", "Application"), kind("argoproj.io", "ApplicationSet")},
		},
	}
}

func kind(group, kind string) object { return object{"group": group, "kind": kind} }

// root is the ApplicationSet that makes an Application of each folder
// apps/PROJECT/ENVIRONMENT. A folder that goes takes its applications with it.
func (o Options) root() object {
	return object{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet",
		"metadata": keep(o.metadata(layout.Root, waveRoot)),
		"spec": object{
			"goTemplate": true, "goTemplateOptions": []any{"missingkey=error"},
			"generators": []any{object{"git": object{
				"repoURL": o.RepositoryURL, "revision": o.Branch, "directories": []any{object{"path": "apps/*/*"}},
			}}},
			"template": object{
				"metadata": object{
					"name":       layout.Root + ".{{index .path.segments 1}}.{{index .path.segments 2}}", // as layout.Target.Parent
					"labels":     object{"app.kubernetes.io/managed-by": "pave", "app.kubernetes.io/part-of": "{{index .path.segments 1}}"},
					"finalizers": []any{"resources-finalizer.argocd.argoproj.io"},
					// A commit elsewhere in the repository is no work for this one.
					"annotations": object{"argocd.argoproj.io/manifest-generate-paths": "."},
				},
				"spec": object{
					"project": layout.Root,
					"source": object{
						"repoURL": o.RepositoryURL, "targetRevision": o.Branch, "path": "{{.path.path}}",
						// Not history.yaml, and whatever else is beside.
						"directory": object{"recurse": true, "include": "{*/application.yaml,*/applicationset.yaml}"},
					},
					"destination": object{"server": ownCluster, "namespace": o.ArgoCDNamespace},
					"syncPolicy":  syncPolicy(),
				},
			},
		},
	}
}
