package transfer

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Choose gives the digest that a manifest has at the target where Platforms of an
// Entry are these. It asks nobody.
func Choose(manifest []byte, mediaType types.MediaType, platforms []v1.Platform) (v1.Hash, error) {
	n, err := parse(manifest, mediaType)
	if err != nil {
		return v1.Hash{}, err
	}
	if n, err = n.choose(platforms); err != nil {
		return v1.Hash{}, err
	}
	return n.desc.Digest, nil
}
