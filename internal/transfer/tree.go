package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pave-platform/pave/internal/fault"
)

// node is a manifest with what is below it.
type node struct {
	desc     v1.Descriptor // media type, digest, size
	raw      []byte
	doc      document
	children []*node // of an index, once they were read
}

// document is what all kinds of manifests have between them.
type document struct {
	MediaType    types.MediaType   `json:"mediaType"`
	Manifests    []v1.Descriptor   `json:"manifests"` // of an index
	Config       *v1.Descriptor    `json:"config"`
	Layers       []v1.Descriptor   `json:"layers"`
	Blobs        []v1.Descriptor   `json:"blobs"` // of an OCI artifact manifest
	Subject      *v1.Descriptor    `json:"subject"`
	ArtifactType string            `json:"artifactType"`
	Annotations  map[string]string `json:"annotations"`
}

// parse reads a manifest. Its own media type counts; said is what came with it.
func parse(raw []byte, said types.MediaType) (*node, error) {
	n := &node{raw: raw}
	if err := json.Unmarshal(raw, &n.doc); err != nil {
		return nil, fault.Failedf("the manifest is not one that we understand: %w", err)
	}
	digest, size, err := v1.SHA256(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	n.desc = v1.Descriptor{MediaType: n.doc.MediaType, Digest: digest, Size: size}
	if n.desc.MediaType == "" {
		kind, _, _ := strings.Cut(string(said), ";")
		n.desc.MediaType = types.MediaType(strings.TrimSpace(kind))
	}
	switch n.desc.MediaType {
	case types.DockerManifestSchema1, types.DockerManifestSchema1Signed:
		return nil, fault.Failedf("the manifest is of Docker's schema 1, which registries no longer take").Fix("push the image again with a current tool")
	case types.OCIContentDescriptor, "", "application/json", "application/octet-stream":
		n.desc.MediaType = types.OCIManifestSchema1
		if n.doc.Manifests != nil {
			n.desc.MediaType = types.OCIImageIndex
		}
	}
	return n, nil
}

// isIndex says whether n lists manifests.
func (n *node) isIndex() bool { return n.desc.MediaType.IsIndex() }

// blobs are the config and the layers of n itself that are to be copied.
func (n *node) blobs(wanted func(v1.Descriptor) bool) []v1.Descriptor {
	var all []v1.Descriptor
	if n.doc.Config != nil {
		all = append(all, *n.doc.Config)
	}
	for _, l := range slices.Concat(n.doc.Layers, n.doc.Blobs) {
		if wanted(l) {
			all = append(all, l)
		}
	}
	return all
}

// walk calls f for n and everything below, children first, each digest once.
func (n *node) walk(f func(*node) error) error { return n.walkOnce(f, map[v1.Hash]bool{}) }

func (n *node) walkOnce(f func(*node) error, seen map[v1.Hash]bool) error {
	if seen[n.desc.Digest] {
		return nil
	}
	seen[n.desc.Digest] = true
	for _, c := range n.children {
		if err := c.walkOnce(f, seen); err != nil {
			return err
		}
	}
	return f(n)
}

// deepest is how far indexes may lie within indexes.
const deepest = 8

// read reads everything below n.
func (n *node) read(ctx context.Context, s source, in name.Repository) error {
	return n.readBelow(ctx, s, in, deepest)
}

func (n *node) readBelow(ctx context.Context, s source, in name.Repository, depth int) error {
	if !n.isIndex() {
		return nil
	}
	if depth == 0 {
		return fault.Failedf("index %s lies within %d others", n.desc.Digest, deepest)
	}
	n.children = make([]*node, len(n.doc.Manifests))
	return each(ctx, n.doc.Manifests, func(ctx context.Context, i int, d v1.Descriptor) error {
		child, err := s.manifest(ctx, in, d.Digest.String())
		if err != nil {
			return fmt.Errorf("manifest %s%s: %w", d.Digest, ofPlatform(d), err)
		}
		if child.desc.Size != d.Size {
			return fault.Failedf("manifest %s has %d bytes, its index says %d", d.Digest, child.desc.Size, d.Size)
		}
		if child.doc.MediaType == "" {
			child.desc.MediaType = d.MediaType
		}
		n.children[i] = child
		return child.readBelow(ctx, s, in, depth-1)
	})
}

func ofPlatform(d v1.Descriptor) string {
	if d.Platform == nil {
		return ""
	}
	return " for " + d.Platform.String()
}

// choose gives n with only the manifests for the platforms: n itself where it
// lists nothing else, where it is no index, or where it has no platform at all.
func (n *node) choose(platforms []v1.Platform) (*node, error) {
	if len(platforms) == 0 || !n.isIndex() || !slices.ContainsFunc(n.doc.Manifests, hasPlatform) {
		return n, nil
	}
	kept := map[v1.Hash]bool{}
	for _, p := range platforms {
		found := false
		for _, d := range n.doc.Manifests {
			if hasPlatform(d) && d.Platform.Satisfies(p) {
				kept[d.Digest], found = true, true
			}
		}
		if !found {
			return nil, fault.Inputf("%s has no image for %s, only for %s", n.desc.Digest, p, n.platforms()).Fix("choose from these")
		}
	}
	for _, d := range n.doc.Manifests { // BuildKit's attestations of what is kept
		if h, err := v1.NewHash(d.Annotations["vnd.docker.reference.digest"]); err == nil && kept[h] {
			kept[d.Digest] = true
		}
	}
	return n.with(func(d v1.Descriptor) bool { return kept[d.Digest] || !hasPlatform(d) && d.MediaType.IsIndex() })
}

func hasPlatform(d v1.Descriptor) bool {
	return d.Platform != nil && d.Platform.OS != "unknown" && d.Platform.OS != ""
}

func (n *node) platforms() string {
	var all []string
	for _, d := range n.doc.Manifests {
		if hasPlatform(d) {
			all = append(all, d.Platform.String())
		}
	}
	return strings.Join(all, ", ")
}

// with gives an index of the manifests that keep says, everything else in it as
// it was. Its bytes depend on n and keep only.
func (n *node) with(keep func(v1.Descriptor) bool) (*node, error) {
	var fields map[string]json.RawMessage
	var manifests []json.RawMessage
	if err := json.Unmarshal(n.raw, &fields); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(fields["manifests"], &manifests); err != nil {
		return nil, err
	}
	if len(manifests) != len(n.doc.Manifests) {
		return nil, errors.New("the index has a field twice")
	}
	var kept []json.RawMessage
	for i, d := range n.doc.Manifests {
		if keep(d) {
			kept = append(kept, manifests[i])
		}
	}
	if len(kept) == len(manifests) {
		return n, nil
	}
	list, err := json.Marshal(kept)
	if err != nil {
		return nil, err
	}
	fields["manifests"] = list
	raw, err := json.Marshal(fields) // keys in order
	if err != nil {
		return nil, err
	}
	return parse(raw, n.desc.MediaType)
}
