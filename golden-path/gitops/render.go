package gitops

import (
	"maps"
	"slices"

	layout "github.com/pave-platform/pave/internal/gitops"
)

// object is a Kubernetes object before it is YAML.
type object = map[string]any

const notice = `# Written by pave gitops init. An edit here stops the next one until it is
# reverted, or overwritten with --force.
`

// waves order what the platform Application applies: projects and policy come
// before what makes Applications.
const (
	waveProjects = "-20"
	waveGuard    = "-10"
	waveRoot     = "0"
)

// Render gives the files by path.
func Render(o Options) (map[string][]byte, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	all := map[string]object{
		folder + "platform.yaml":            o.platform(),
		folder + "appproject-platform.yaml": o.platformProject(),
		folder + "appproject-apps.yaml":     o.appsProject(),
		folder + "apps.yaml":                o.root(),
		folder + "guard.yaml":               guard(),
		folder + "guard-binding.yaml":       o.guardBinding(),
	}
	for _, p := range o.Projects {
		all[ProjectPath(p.Name)] = o.project(p)
	}
	maps.Copy(all, o.repositories())
	files := map[string][]byte{}
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if files[path], err = layout.Seal(path, notice, all[path]); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// ProjectPath is where a project's AppProject is.
func ProjectPath(name string) string { return folder + "projects/" + name + ".yaml" }

// metadata is an object's of the platform.
func (o Options) metadata(name, wave string) object {
	m := metadata(name, wave)
	m["namespace"] = o.ArgoCDNamespace
	return m
}

func metadata(name, wave string) object {
	return object{
		"name":        name,
		"labels":      object{"app.kubernetes.io/managed-by": "pave", "app.kubernetes.io/part-of": platformName},
		"annotations": object{"argocd.argoproj.io/sync-wave": wave, layout.AnnotationSeal: ""},
	}
}

// keep marks what Argo CD never deletes by itself.
func keep(m object) object {
	annotations := m["annotations"].(object)
	annotations["argocd.argoproj.io/sync-options"] = "Prune=false,Delete=false"
	return m
}
