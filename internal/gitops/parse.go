package gitops

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/internal/registry"
)

// Parse reads back what Render wrote at t. It does not look at the seal: see
// Sealed.
func Parse(t Target, content []byte) (Application, error) {
	asJSON, err := yaml.YAMLToJSONStrict(content)
	if err != nil {
		return Application{}, fmt.Errorf("%s: %w", t.Path(), err)
	}
	var m manifest
	d := json.NewDecoder(bytes.NewReader(asJSON))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		return Application{}, fmt.Errorf("%s: %w", t.Path(), err)
	}
	app := Application{
		Target: t,
		Release: Release{
			Image:    m.Metadata.Annotations[AnnotationImage],
			Chart:    Chart{Repository: m.Spec.Source.RepoURL, Name: m.Spec.Source.Chart, Version: m.Spec.Source.TargetRevision},
			Revision: m.Metadata.Annotations[annotationRevision],
			Values:   m.Spec.Source.Helm.ValuesObject,
		},
		Cluster:         m.Spec.Destination.Server,
		ArgoCDNamespace: m.Metadata.Namespace,
	}
	err = m.check(t)
	if err == nil {
		err = app.consistent()
	}
	if err != nil {
		return Application{}, fmt.Errorf("%s: %w", t.Path(), err)
	}
	return app, nil
}

// Load reads an application that must be there, as pave wrote it.
func Load(tree *gitrepo.Tree, t Target) (Application, error) {
	content, err := Read(tree, t.Path())
	switch {
	case err != nil:
		return Application{}, err
	case content == nil:
		return Application{}, fault.Inputf("%s is not deployed in %s: there is no %s", t.App, t.Environment, t.Path()).
			Fix("deploy it there first, with pave deploy app")
	case !Sealed(content):
		return Application{}, fault.Gatef("%s: %s", t.Path(), altered(content)).Fix("revert that, or deploy it again with pave deploy app --force")
	}
	app, err := Parse(t, content)
	if err != nil {
		return Application{}, fault.Failedf("%w", err).Fix("deploy it again with pave deploy app --force")
	}
	return app, nil
}

// manifest is what Parse needs of an Argo CD Application.
type manifest struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		Project     string `json:"project"`
		Destination struct {
			Server    string `json:"server"`
			Namespace string `json:"namespace"`
		} `json:"destination"`
		Source struct {
			RepoURL        string `json:"repoURL"`
			Chart          string `json:"chart"`
			TargetRevision string `json:"targetRevision"`
			Helm           struct {
				ReleaseName  string         `json:"releaseName"`
				ValuesObject map[string]any `json:"valuesObject"`
			} `json:"helm"`
		} `json:"source"`
	} `json:"spec"`
}

// check refuses a file that is not about t, as after a copy by hand.
func (m *manifest) check(t Target) error {
	if m.Kind != "Application" {
		return fmt.Errorf("it holds a %q, not an Application", m.Kind)
	}
	if m.Metadata.Name != t.Name() || m.Spec.Project != t.Project || m.Spec.Destination.Namespace != t.Namespace() || m.Spec.Source.Helm.ReleaseName != t.App {
		return fmt.Errorf("it is of another application than its path says: %s in namespace %s", m.Metadata.Name, m.Spec.Destination.Namespace)
	}
	return nil
}

// consistent refuses a release that does not pin what it runs, or says two things
// about it: what is verified must be what is deployed.
func (r Release) consistent() error {
	image, err := registry.ParseDigest(r.Image)
	if err != nil {
		return err
	}
	block, _ := r.Values["image"].(map[string]any)
	if text(block, "digest") != image.DigestStr() {
		return errors.New("its values have another image than it says")
	}
	return errors.Join(r.Chart.Validate(), ValidRevision(r.Revision))
}
