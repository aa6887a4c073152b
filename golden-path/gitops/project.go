package gitops

// project is the AppProject of one: charts from the platform's repositories only,
// its own namespaces only, nothing that is of the cluster. Its developers may look,
// sync, restart and let a canary go on; what runs is decided in Git.
func (o Options) project(p Project) object {
	destinations := make([]any, 0, len(p.Environments)+1)
	for _, e := range p.namespaces() {
		destinations = append(destinations, object{"server": o.Cluster, "namespace": e})
	}
	spec := object{
		"description":              "Applications of project " + p.Name + ".",
		"sourceRepos":              list(o.ChartRepositories),
		"destinations":             destinations,
		"clusterResourceWhitelist": []any{},
		// What the platform gives a namespace is not the project's to change.
		"namespaceResourceBlacklist": []any{
			kind("", "ResourceQuota"), kind("", "LimitRange"),
			kind("rbac.authorization.k8s.io", "Role"), kind("rbac.authorization.k8s.io", "RoleBinding"),
			kind("argoproj.io", "Application"), kind("argoproj.io", "ApplicationSet"), kind("argoproj.io", "AppProject"),
		},
		"orphanedResources": object{"warn": true, "ignore": platformsOwn()},
		"roles":             []any{p.developer()},
	}
	m := o.metadata(p.Name, waveProjects)
	// A project stays for as long as it has applications.
	m["finalizers"] = []any{"resources-finalizer.argocd.argoproj.io"}
	return object{"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": m, "spec": spec}
}

func (p Project) namespaces() []string {
	var all []string
	for _, e := range p.Environments {
		all = append(all, p.Name+"-"+e)
	}
	if p.Previews {
		all = append(all, p.Name+"-previews")
	}
	return all
}

// developer is the role of the project's people.
func (p Project) developer() object {
	const role = "developer"
	allow := func(resource, action string) any {
		return "p, proj:" + p.Name + ":" + role + ", " + resource + ", " + action + ", " + p.Name + "/*, allow"
	}
	groups := []any{}
	if p.Group != "" {
		groups = append(groups, p.Group)
	}
	return object{
		"name": role, "description": "Looks, syncs, restarts; does not change what Git says.", "groups": groups,
		"policies": []any{
			allow("applications", "get"), allow("applications", "sync"), allow("logs", "get"),
			allow("applications", "action/apps/Deployment/restart"),
			allow("applications", "action/argoproj.io/Rollout/restart"),
			allow("applications", "action/argoproj.io/Rollout/resume"),
			allow("applications", "action/argoproj.io/Rollout/abort"),
			allow("applications", "action/argoproj.io/Rollout/retry"),
		},
	}
}

// platformsOwn are in each of a project's namespaces, and of no application.
func platformsOwn() []any {
	return []any{
		kind("", "ResourceQuota"), kind("", "LimitRange"), kind("rbac.authorization.k8s.io", "RoleBinding"),
		kind("external-secrets.io", "SecretStore"),
		object{"group": "external-secrets.io", "kind": "ExternalSecret", "name": "*-env"},
		object{"group": "", "kind": "Secret", "name": "*-env"},
		object{"group": "networking.k8s.io", "kind": "NetworkPolicy", "name": "default-deny*"},
		object{"group": "networking.k8s.io", "kind": "NetworkPolicy", "name": "allow-dns*"},
	}
}

func list(values []string) []any {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = v
	}
	return all
}
