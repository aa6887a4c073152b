package mirror

import (
	"context"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/transfer"
)

// copy brings content by digest, and signs and tags each as it arrives, while the
// others are on their way.
func (r *running) copy(ctx context.Context, missing []candidate) error {
	byName := map[string]candidate{}
	untagged := make([]candidate, len(missing))
	for i, c := range missing {
		byName[c.approved.Ref()] = c
		untagged[i] = c
		untagged[i].transfer.Tags = []string{c.approved.AtTarget()} // by digest
	}
	var arrived sync.WaitGroup
	places := make(chan struct{}, jobs)
	result, err := r.transfer(ctx, untagged, transfer.Options{
		Referrers: transfer.ReferrersOnCopy,
		Progress:  r.o.Progress,
		Done: func(e transfer.EntryResult) {
			arrived.Go(func() {
				places <- struct{}{}
				defer func() { <-places }()
				r.finish(ctx, byName[e.Name], e)
			})
		},
	})
	arrived.Wait()
	if err != nil {
		return err
	}
	r.result.Bytes, r.result.Blobs = result.Bytes, result.Blobs
	r.result.Requests.Source += result.Requests.Source
	r.result.Requests.Target += result.Requests.Target
	return ctx.Err()
}

// finish signs and tags what has arrived by digest.
func (r *running) finish(ctx context.Context, c candidate, e transfer.EntryResult) {
	if e.Status == transfer.Failed {
		r.fail(c, r.explainTarget(c, e.Err))
		return
	}
	out := Outcome{Ref: c.approved.Ref(), State: Copied, Digest: c.approved.AtTarget(), Bytes: e.Bytes, Referrers: e.Referrers}
	digest := c.transfer.Target.Digest(c.approved.AtTarget())
	if e.Digest.String() != digest.DigestStr() {
		r.fail(c, fault.Failedf("%s became %s at the target, not %s", c.approved.Ref(), e.Digest, digest.DigestStr()).
			Fix("approve it again: pave mirror approve %s", c.approved.Ref()))
		return
	}
	if r.o.Sign != nil {
		if _, err := r.o.Sign(ctx, digest.String()); err != nil {
			r.fail(c, err)
			return
		}
		out.Signed = true
	}
	tag := c.transfer.Target.Tag(string(c.approved.Tag))
	there, err := r.downstream.Get(ctx, digest)
	if err == nil {
		err = remote.Tag(tag, there, r.registry.Remote(ctx)...)
	}
	if err != nil {
		r.fail(c, registry.Explain("tag "+tag.String(), tag.Registry, err))
		return
	}
	r.log.Info("mirrored", "image", c.approved.Ref(), "digest", short(digest.DigestStr()), "size", words(e.Bytes))
	r.note(out)
}

// explainTarget says what a 404 means once the source was read: there is no
// repository to push into, which a Harbor says of a project that is not there.
func (r *running) explainTarget(c candidate, err error) error {
	if !missing(err) || r.o.Harbor != nil {
		return err
	}
	project, _, _ := strings.Cut(r.target.RepositoryStr(), "/")
	return fault.Failedf("%s: %s takes nothing into %s (404)", c.approved.Ref(), r.target.RegistryStr(), project).
		Fix("make the project %s there, or give --harbor-username, so that it is made", project)
}
