package image

import (
	"maps"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/pave-platform/pave/internal/fault"
)

// Labels are the keys of
// https://github.com/opencontainers/image-spec/blob/main/annotations.md that
// pave sets, and any others. They become labels of the image's config and
// annotations of its manifest. There is no created: it would change the digest.
type Labels struct {
	Title    string            // org.opencontainers.image.title
	Revision string            // org.opencontainers.image.revision: the commit
	Source   string            // org.opencontainers.image.source: the repository's URL
	Version  string            // org.opencontainers.image.version
	More     map[string]string // any others; they win
}

const labelPrefix = "org.opencontainers.image."

// all gives the labels that are set.
func (l Labels) all() (map[string]string, error) {
	set := map[string]string{}
	for key, value := range map[string]string{"title": l.Title, "revision": l.Revision, "source": l.Source, "version": l.Version} {
		if value != "" {
			set[labelPrefix+key] = value
		}
	}
	for key := range l.More {
		if key == "" {
			return nil, fault.Inputf("a label has no name").Fix("write it as name=value")
		}
	}
	maps.Copy(set, l.More)
	return set, nil
}

// annotated puts labels on img's manifest; the config has them already.
func annotated(img v1.Image, labels map[string]string) v1.Image {
	if len(labels) == 0 {
		return img
	}
	return mutate.Annotations(img, labels).(v1.Image)
}
