package render

import (
	"slices"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/internal/fault"
)

// Previews is the environment of previews in the values.
const Previews = "previews"

// PreviewOptions say what a preview is like.
type PreviewOptions struct {
	Repository string // of the image, registry/project/app; empty: spec.image.repository
	PullSecret string // Secret with which the image is pulled; empty: none is needed
	Database   bool   // give it a database, empty and of one instance, if the application has one
	Messaging  bool   // and a broker
}

// Preview gives the values of the chart for previews of pull requests, which are
// all alike: the caller sets name, ingress.host and preview.commit for each. They
// are staging's, made light and harmless:
//
//   - one pod, rolled out at once: no autoscaling, vertical scaling, disruption budget, canary
//   - no secrets, and no volumes: their folders are writable until the pod ends
//   - no database and no broker, unless asked for
//   - no alerts, no scraping, no restart on a changed Secret: nobody is called for a preview
//   - https, if the application has an ingress
func Preview(a *contract.Application, o PreviewOptions) (map[string]any, error) {
	s := lightened(a.For(contract.Staging), o)
	repository := o.Repository
	switch want := string(s.Image.Repository); {
	case repository == "" && want == "":
		return nil, fault.Inputf("the image's repository is not known").Fix("give --image, or set spec.image.repository")
	case repository == "":
		repository = want
	case want != "" && repository != want:
		return nil, fault.Inputf("image %s is not %s, the repository in spec.image", repository, want).
			Fix("publish it there, or change spec.image.repository")
	}
	if _, err := name.NewRepository(repository, name.StrictValidation); err != nil {
		return nil, fault.Inputf("image repository %q: %w", repository, err).Fix("write it as registry/project/app, without tag and digest")
	}
	values := spec(s)
	identify(values, a.Metadata, Previews)
	values["image"] = fields{"repository": repository}
	if o.PullSecret != "" {
		values["pullSecret"] = o.PullSecret
	}
	return values, nil
}

func lightened(s contract.Spec, o PreviewOptions) contract.Spec {
	off, on := false, true
	s.Replicas, s.Autoscaling, s.VerticalScaling, s.Disruption = 1, nil, nil, nil
	s.Rollout = contract.Rollout{Strategy: contract.Rolling}
	s.Secrets, s.Alerts, s.Metrics, s.Reload = nil, nil, nil, &off
	s.Writable = slices.Clone(s.Writable)
	for _, volume := range s.Storage {
		s.Writable = append(s.Writable, volume.MountPath)
	}
	s.Storage = nil
	s.Database = light(s.Database, o.Database, func(d *contract.Database) { d.Instances, d.Backup = 1, nil })
	s.Messaging = light(s.Messaging, o.Messaging, func(m *contract.Messaging) { m.Replicas = 1 })
	if s.Ingress != nil {
		ingress := *s.Ingress
		ingress.TLS = &on
		s.Ingress = &ingress
	}
	return s
}

// light changes a copy of what is wanted; nil for what is not.
func light[T any](part *T, wanted bool, change func(*T)) *T {
	if part == nil || !wanted {
		return nil
	}
	copied := *part
	change(&copied)
	return &copied
}
