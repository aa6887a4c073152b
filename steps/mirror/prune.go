package mirror

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

// prune shows the tags that left the list and, if it is to, removes those that
// still stand for what was approved. What is somebody else's is left alone.
func (r *running) prune(ctx context.Context) error {
	found, err := r.stillThere(ctx)
	if err != nil {
		return err
	}
	for i, a := range r.left {
		tag, there := r.tagOf(a), found[i]
		out := Outcome{Ref: a.Ref(), State: Stale, Digest: a.AtTarget(), Why: "not on the list any more: --prune removes it"}
		switch {
		case there == nil:
			continue
		case there.Digest.String() != a.AtTarget():
			out.State, out.Digest, out.Why = Kept, there.Digest.String(), "not on the list any more, and not what was approved either: it is somebody else's"
		case r.o.Prune && r.o.DryRun:
			out.State, out.Why = WouldPrune, ""
		case r.o.Prune:
			if err := r.remove(ctx, a, tag, there.Digest, &out); err != nil {
				return err
			}
		}
		r.note(out)
	}
	return nil
}

// stillThere asks the target what the tags that left the list stand for, several at
// a time; nil where there is none.
func (r *running) stillThere(ctx context.Context) ([]*v1.Descriptor, error) {
	found := make([]*v1.Descriptor, len(r.left))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(jobs)
	for i, a := range r.left {
		group.Go(func() (err error) {
			tag := r.tagOf(a)
			if found[i], err = head(ctx, r.downstream, tag); err != nil {
				return registry.Explain("look up "+tag.String(), tag.Registry, err)
			}
			return nil
		})
	}
	return found, group.Wait()
}

func (r *running) tagOf(a imagelist.Approved) name.Tag {
	return r.at(string(a.Name)).Tag(string(a.Tag))
}

func (r *running) remove(ctx context.Context, a imagelist.Approved, tag name.Tag, digest v1.Hash, out *Outcome) error {
	r.log.Info("removing", "image", a.Ref(), "digest", short(digest.String()))
	var err error
	if r.o.Harbor != nil {
		err = r.removeAtHarbor(ctx, tag)
	} else {
		err = r.removeTag(ctx, tag, digest)
	}
	switch {
	case err == nil:
		out.State, out.Why = Removed, ""
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		out.State, out.Why = Kept, oneLine(err)
		r.errs = append(r.errs, err)
	}
	return nil
}

// removeAtHarbor uses Harbor's API: its registry removes an image with all its
// tags where the protocol would remove one tag.
func (r *running) removeAtHarbor(ctx context.Context, tag name.Tag) error {
	c, err := r.harbor(*r.o.Harbor)
	if err != nil {
		return err
	}
	defer c.Close()
	project, repository, _ := strings.Cut(tag.RepositoryStr(), "/")
	_, err = c.DeleteTag(ctx, project, repository, tag.TagStr())
	return err
}

// removeTag removes the tag, or its manifest where the registry removes nothing
// else and no other tag stands for it.
func (r *running) removeTag(ctx context.Context, tag name.Tag, digest v1.Hash) error {
	what := "remove " + tag.String()
	err := remote.Delete(tag, r.registry.Remote(ctx)...)
	if missing(err) {
		return nil
	}
	answer, refused := errors.AsType[*transport.Error](err)
	if !refused || answer.StatusCode != http.StatusMethodNotAllowed && answer.StatusCode != http.StatusBadRequest {
		return registry.Explain(what, tag.Registry, err)
	}
	tags, err := listTags(ctx, r.downstream, tag.Context())
	if err != nil {
		return registry.Explain(what, tag.Registry, err)
	}
	for _, other := range slices.DeleteFunc(tags, func(t string) bool { return t == tag.TagStr() }) {
		there, err := head(ctx, r.downstream, tag.Context().Tag(other))
		if err != nil {
			return registry.Explain(what, tag.Registry, err)
		}
		if there != nil && there.Digest == digest {
			return fault.Failedf("%s: this registry removes no single tag, and %s stands for the same content", what, other).
				Fix("remove it with the registry's own means")
		}
	}
	err = remote.Delete(tag.Context().Digest(digest.String()), r.registry.Remote(ctx)...)
	if refusal, ok := errors.AsType[*transport.Error](err); ok && refusal.StatusCode == http.StatusMethodNotAllowed {
		return fault.Failedf("%s: the registry removes nothing (405)", what).Fix("allow it there, or remove the tag with the registry's own means")
	}
	return registry.Explain(what, tag.Registry, err)
}
