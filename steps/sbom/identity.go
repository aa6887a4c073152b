package sbom

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/anchore/packageurl-go"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/uuid"

	"github.com/pave-platform/pave/internal/fault"
)

// identity is what a document says of the image itself. It is a function of the
// image and the given name.
type identity struct {
	name     string
	digest   string
	arch     string
	created  time.Time
	manifest []byte
}

func identify(img v1.Image, given string) (identity, error) {
	digest, err := img.Digest()
	if err != nil {
		return identity{}, fault.Inputf("image: %w", err)
	}
	manifest, err := img.RawManifest()
	if err != nil {
		return identity{}, fault.Inputf("image %s: manifest: %w", digest, err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return identity{}, fault.Inputf("image %s: configuration: %w", digest, err)
	}
	id := identity{name: given, digest: digest.String(), arch: config.Architecture, created: config.Created.UTC(), manifest: manifest}
	if id.name == "" {
		id.name = id.digest
	}
	if id.created.Unix() < 0 { // no time at all is the year 1
		id.created = time.Unix(0, 0).UTC()
	}
	return id, nil
}

// uuid derives a document's id. Syft's version is part of it: another version
// may describe the same image in other words, and an id stands for the words.
func (i identity) uuid(format, tool string) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "pave/sbom/%s/%s/%s/%s", format, tool, i.name, i.digest))
}

// purl names the image as the package URL type oci asks: the last part of the
// repository in lower case, the digest as version, the rest as qualifiers.
func (i identity) purl() string {
	qualifiers := packageurl.Qualifiers{{Key: "arch", Value: i.arch}}
	last := "image" // a purl needs a name, and a digest is none
	if ref, err := name.ParseReference(i.name); err == nil && i.name != i.digest {
		last = strings.ToLower(path.Base(ref.Context().RepositoryStr()))
		if strings.Contains(i.name, "/") {
			qualifiers = append(qualifiers, packageurl.Qualifier{Key: "repository_url", Value: ref.Context().Name()})
		}
	}
	return packageurl.NewPackageURL(packageurl.TypeOCI, "", last, i.digest, qualifiers, "").ToString()
}
