package mirror

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

// wanted is one tag at the target that the list asks for.
type wanted struct {
	entry imagelist.Entry
	tag   string
	from  name.Reference // by tag, or by digest where the list gives one
	err   error          // why it is not known what the entry asks for
}

func (w wanted) ref() string {
	if w.tag == "" {
		return string(w.entry.Name)
	}
	return string(w.entry.Name) + ":" + w.tag
}

// wanted resolves the list to tags, in its order. An entry whose versions cannot
// be listed is one item with an error; its approved tags are not among the rest.
func (w *workspace) wanted(ctx context.Context) ([]wanted, error) {
	perEntry := make([][]wanted, len(w.list.Images))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(jobs)
	for i, e := range w.list.Images {
		group.Go(func() error {
			var err error
			perEntry[i], err = w.resolve(ctx, e, i)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var all []wanted
	where := map[string]string{}
	for i, items := range perEntry {
		for _, item := range items {
			if first, twice := where[item.ref()]; twice && item.err == nil {
				return nil, fault.Inputf("%s: %s is mirrored by the entry at %s already", w.list.At(i), item.ref(), first).
					Fix("change the range of versions of one of the two, or its name")
			}
			where[item.ref()] = w.list.At(i)
		}
		all = append(all, items...)
	}
	return all, nil
}

func (w *workspace) resolve(ctx context.Context, e imagelist.Entry, i int) ([]wanted, error) {
	source, err := name.NewRepository(string(e.Source), name.StrictValidation)
	if err != nil {
		return nil, fault.Inputf("%s: source %q: %w", w.list.At(i), e.Source, err)
	}
	if e.Digest != "" {
		return []wanted{{entry: e, tag: string(e.As), from: source.Digest(string(e.Digest))}}, nil
	}
	tags := make([]string, len(e.Tags))
	for n, tag := range e.Tags {
		tags[n] = string(tag)
	}
	if e.Versions != "" {
		listed, err := listTags(ctx, w.upstream, source)
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return []wanted{{entry: e, err: explain("list the tags of "+source.String(), source.Registry, err)}}, nil
		}
		tags = versions(e, listed)
	}
	items := make([]wanted, len(tags))
	for n, tag := range tags {
		items[n] = wanted{entry: e, tag: tag, from: source.Tag(tag)}
	}
	return items, nil
}

func listTags(ctx context.Context, from *remote.Puller, source name.Repository) ([]string, error) {
	pages, err := from.Lister(ctx, source)
	if err != nil {
		return nil, err
	}
	var all []string
	for pages.HasNext() {
		page, err := pages.Next(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Tags...)
	}
	return all, nil
}

// head gives what a reference stands for, or nil where there is nothing.
func head(ctx context.Context, from *remote.Puller, ref name.Reference) (*v1.Descriptor, error) {
	d, err := from.Head(ctx, ref)
	if missing(err) {
		return nil, nil
	}
	return d, err
}

// missing tells an answer that there is no such thing from other errors.
func missing(err error) bool {
	answer, ok := errors.AsType[*transport.Error](err)
	return ok && answer.StatusCode == http.StatusNotFound
}

// explain is registry.Explain for a source: its credentials are those of the
// Docker configuration file.
func explain(what string, reg name.Registry, err error) error {
	answer, ok := errors.AsType[*transport.Error](err)
	if !ok {
		return registry.Explain(what, reg, err)
	}
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fault.Failedf("%s: %s refuses (%d): there is no such public repository, or it wants a login", what, reg.RegistryStr(), answer.StatusCode).
			Fix("check the source, or log in: docker login %s, or DOCKER_CONFIG", reg.RegistryStr())
	case http.StatusTooManyRequests:
		return fault.Failedf("%s: %s allows no more requests for now (429)", what, reg.RegistryStr()).
			Fix("wait, or log in: docker login %s, or DOCKER_CONFIG", reg.RegistryStr())
	}
	return registry.Explain(what, reg, err)
}
