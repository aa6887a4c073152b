package gitops

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// repositories are the ExternalSecrets of which the cluster makes Argo CD's
// repository Secrets. Without a store, Argo CD has its Secrets by other means.
func (o Options) repositories() map[string]object {
	all := map[string]object{}
	if o.Credentials.Git != "" {
		all[folder+"repositories/gitops.yaml"] = o.repository("repository-gitops", o.Credentials.Git, object{"type": "git", "url": o.RepositoryURL})
	}
	if o.Credentials.Charts == "" {
		return all
	}
	for _, r := range o.ChartRepositories {
		sum := sha256.Sum256([]byte(r))
		name := "charts-" + hex.EncodeToString(sum[:4])
		fields := object{"type": "helm", "url": r, "name": name}
		if !strings.HasPrefix(r, "https://") {
			fields["enableOCI"] = "true"
		}
		all[folder+"repositories/"+name+".yaml"] = o.repository("repository-"+name, o.Credentials.Charts, fields)
	}
	return all
}

// repository is one. The credentials stay in Vault, at path.
func (o Options) repository(name, path string, fields object) object {
	fields["username"], fields["password"] = "{{ .username }}", "{{ .password }}"
	remote := func(property string) object {
		return object{"secretKey": property, "remoteRef": object{"key": path, "property": property}}
	}
	return object{
		"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
		"metadata": o.metadata(name, waveProjects),
		"spec": object{
			"refreshInterval": "1h0m0s",
			"secretStoreRef":  object{"kind": "ClusterSecretStore", "name": o.Credentials.Store},
			"data":            []any{remote("username"), remote("password")},
			"target": object{
				"name": name,
				"template": object{
					"engineVersion": "v2",
					"metadata":      object{"labels": object{"argocd.argoproj.io/secret-type": "repository"}},
					"data":          fields,
				},
			},
		},
	}
}
