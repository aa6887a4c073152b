package transfer

import (
	"context"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/ociarchive"
)

// archive is the source of Import. It answers for a repository of the target, as
// a registry would.
type archive struct {
	path      string
	layout    *ociarchive.Layout
	under     string                     // with a / at its end, before every repository
	tags      map[string]v1.Hash         // repository:tag, of Cosign's
	refs      map[string][]v1.Descriptor // by repository
	leftOut   *Inventory
	inventory *Inventory // what the target will have
	target    *host
}

// manifest implements source.
func (a *archive) manifest(_ context.Context, in name.Repository, reference string) (*node, error) {
	h, err := v1.NewHash(reference)
	if err != nil {
		var ok bool
		if h, ok = a.tags[in.RepositoryStr()+":"+reference]; !ok {
			return nil, errNone
		}
	}
	raw, err := a.read(h)
	if err != nil {
		return nil, err
	}
	return parse(raw, "")
}

// blob implements source. What was left out comes from where the target has it,
// for a target that does not mount.
func (a *archive) blob(ctx context.Context, _ name.Repository, d v1.Descriptor, from int64) (io.ReadCloser, error) {
	if _, ok := a.layout.Size(d.Digest); !ok {
		return a.target.blob(ctx, a.target.reg.Repo(a.leftOut.Blobs[d.Digest.String()].Repository), d, from)
	}
	f, err := a.layout.Open(d.Digest)
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.Discard, f, from); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// referrers implements source.
func (a *archive) referrers(ctx context.Context, in name.Repository, digest v1.Hash) ([]v1.Descriptor, error) {
	var list []v1.Descriptor
	for _, d := range a.refs[in.RepositoryStr()] {
		n, err := a.manifest(ctx, in, d.Digest.String())
		if err != nil {
			return nil, err
		}
		if n.doc.Subject != nil && n.doc.Subject.Digest == digest {
			list = append(list, d)
		}
	}
	return list, nil
}

// wanted says whether a blob is to be copied: a layer that is not distributable
// only if the archive has it.
func (a *archive) wanted(d v1.Descriptor) bool {
	_, here := a.layout.Size(d.Digest)
	return here || d.MediaType.IsDistributable()
}
