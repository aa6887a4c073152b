package mirror

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/transfer"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

// mirroredDigest gives the digest that the content has at the target.
func mirroredDigest(c *content, platforms []v1.Platform) (string, error) {
	d, err := transfer.Choose(c.raw, c.mediaType, platforms)
	return d.String(), err
}

// atTarget gives the digest at the target where it is not upstream's, else "".
func (j judge) atTarget(i *item) (imagelist.Digest, error) {
	platforms, err := parsePlatforms(j.list.PlatformsOf(i.wanted.entry))
	if err != nil {
		return "", err
	}
	d, err := mirroredDigest(i.content, platforms)
	if err != nil || d == i.Upstream {
		return "", err
	}
	return imagelist.Digest(d), nil
}
