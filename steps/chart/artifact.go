package chart

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	helm "helm.sh/helm/v3/pkg/chart"
)

// Helm's media types, https://helm.sh/docs/topics/registries/.
const (
	configType  types.MediaType = "application/vnd.cncf.helm.config.v1+json"
	contentType types.MediaType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

// artifact is a chart as an OCI manifest with its two blobs. It carries no date
// of creation, unlike those of `helm push`, so that the same chart has the same
// digest.
type artifact struct {
	config, content v1.Layer
	manifest        []byte
	digest          string
}

func newArtifact(c *helm.Chart) (*artifact, error) {
	content, err := archive(c)
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(c.Metadata)
	if err != nil {
		return nil, err
	}
	a := &artifact{config: static.NewLayer(config, configType), content: static.NewLayer(content, contentType)}
	a.manifest, err = json.Marshal(v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.OCIManifestSchema1,
		Config:        describe(config, configType),
		Layers:        []v1.Descriptor{describe(content, contentType)},
		Annotations:   annotations(c.Metadata),
	})
	if err != nil {
		return nil, err
	}
	a.digest = describe(a.manifest, types.OCIManifestSchema1).Digest.String()
	return a, nil
}

func describe(data []byte, t types.MediaType) v1.Descriptor {
	digest, size, _ := v1.SHA256(bytes.NewReader(data)) // reading memory does not fail
	return v1.Descriptor{MediaType: t, Digest: digest, Size: size}
}

// annotations are those that Helm derives from Chart.yaml, without the date.
func annotations(m *helm.Metadata) map[string]string {
	const prefix = "org.opencontainers.image."
	all := map[string]string{prefix + "title": m.Name, prefix + "version": m.Version}
	if m.Description != "" {
		all[prefix+"description"] = m.Description
	}
	if m.Home != "" {
		all[prefix+"url"] = m.Home
	}
	if len(m.Sources) > 0 {
		all[prefix+"source"] = m.Sources[0]
	}
	return all
}

// write uploads the blobs first and the manifest last, so that a tag never
// points to what is not there.
func (a *artifact) write(options []remote.Option, tag name.Tag) error {
	for _, blob := range []v1.Layer{a.config, a.content} {
		if err := remote.WriteLayer(tag.Context(), blob, options...); err != nil {
			return fmt.Errorf("upload: %w", err)
		}
	}
	return remote.Put(tag, a, options...)
}

// RawManifest gives the manifest's bytes, for package remote.
func (a *artifact) RawManifest() ([]byte, error) { return a.manifest, nil }

// MediaType gives the manifest's media type, for package remote.
func (a *artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
