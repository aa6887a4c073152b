package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/ociarchive"
	"github.com/pave-platform/pave/internal/registry"
)

// PublishOptions say what goes where.
type PublishOptions struct {
	Tarball  string // OCI layout: one image, or an index by platform
	Ref      string // registry/project/app:tag
	Registry registry.Options
	Log      *slog.Logger
}

// Published is what a registry has now.
type Published struct {
	Ref    string `json:"ref"` // registry/project/app@sha256:…
	Tag    string `json:"tag"`
	Digest string `json:"digest"`
	Pushed bool   `json:"pushed"` // false: the tag was already there, at this digest
	Bytes  int64  `json:"bytes"`  // what a pull transfers
}

// Summary writes p for a person.
func (p Published) Summary(w io.Writer) {
	state := "pushed"
	if !p.Pushed {
		state = "was there already"
	}
	fmt.Fprintf(w, "image  %s\ntag    %s (%s)\nsize   %s\n", p.Ref, p.Tag, state, megabytes(p.Bytes))
}

// Publish pushes an image under a tag. The whole tarball is verified before
// the first byte is sent, and the tag moves last: a push that is cut off
// leaves the tag where it was, and a second one sends only what is missing.
func Publish(ctx context.Context, o PublishOptions) (Published, error) {
	ref, err := registry.ParseReference(o.Ref)
	if err != nil {
		return Published{}, err
	}
	tag, ok := ref.(name.Tag)
	if !ok {
		return Published{}, fault.Inputf("image reference %q has no tag", o.Ref).Fix("write it as registry/project/app:tag: the digest is the image's own")
	}
	client, err := registry.New(o.Registry)
	if err != nil {
		return Published{}, err
	}
	defer client.Close()
	archive, err := ociarchive.Open(ctx, o.Tarball)
	if err != nil {
		return Published{}, err
	}
	defer archive.Close()
	about, err := describe(o.Tarball, archive)
	if err != nil {
		return Published{}, err
	}
	p := Published{
		Ref:    tag.Context().Digest(about.Digest).String(),
		Tag:    tag.TagStr(),
		Digest: about.Digest,
		Bytes:  about.Bytes,
	}
	what := "publish " + tag.String()
	there, err := pointsAt(tag, archive.Digest(), client.Remote(ctx))
	if err != nil {
		return Published{}, registry.Explain(what, tag.Registry, err)
	}
	if there {
		return p, nil
	}
	counted := &progress{next: client.Transport()}
	stop := counted.report(logger(o.Log), tag.String(), about.Bytes)
	defer stop()
	if err := push(tag, archive, append(client.Remote(ctx), remote.WithTransport(counted))); err != nil {
		return Published{}, registry.Explain(what, tag.Registry, err)
	}
	p.Pushed = true
	return p, nil
}

// pointsAt tells whether tag is at digest.
func pointsAt(tag name.Tag, digest v1.Hash, options []remote.Option) (bool, error) {
	at, err := remote.Head(tag, options...)
	if missing(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return at.Digest == digest, nil
}

// missing tells a 404 from other errors.
func missing(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound
}

func push(tag name.Tag, archive *ociarchive.Archive, options []remote.Option) error {
	index, err := archive.Index()
	if err != nil {
		return err
	}
	if index != nil {
		return remote.WriteIndex(tag, index, options...)
	}
	img, err := archive.Image()
	if err != nil {
		return err
	}
	return remote.Write(tag, img, options...)
}
