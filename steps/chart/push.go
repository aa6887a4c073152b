package chart

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
)

// PushOptions say what to push and where to.
type PushOptions struct {
	Chart      string // folder or .tgz; empty: the base chart
	Repository string // the charts' parent, as in registry/project/charts
	DryRun     bool   // ask the registry, write nothing
	Registry   registry.Options
}

// PushResult is a chart in a registry.
type PushResult struct {
	Ref     string `json:"ref"` // registry/project/charts/name@sha256:…
	Name    string `json:"name"`
	Version string `json:"version"`
	Digest  string `json:"digest"`
	Pushed  bool   `json:"pushed"` // false: it was there already, or a dry run
	DryRun  bool   `json:"dryRun,omitempty"`
}

// Summary says where the chart is and whether it is new there.
func (r PushResult) Summary(w io.Writer) {
	did := "was there already"
	switch {
	case r.Pushed:
		did = "pushed"
	case r.DryRun:
		did = "dry run, nothing pushed"
	}
	fmt.Fprintf(w, "%s %s: %s\n%s\n", r.Name, r.Version, did, r.Ref)
}

// Push uploads the chart as the OCI artifact that Helm and Argo CD read, tagged
// with its version. A version that is there with the same content is left as it
// is; one with other content is an input error, and nothing is overwritten.
func Push(ctx context.Context, o PushOptions) (PushResult, error) {
	c, err := load(ctx, o.Chart)
	if err != nil {
		return PushResult{}, err
	}
	tag, err := tagFor(o.Repository, c.Name(), c.Metadata.Version)
	if err != nil {
		return PushResult{}, err
	}
	a, err := newArtifact(c)
	if err != nil {
		return PushResult{}, err
	}
	client, err := registry.New(o.Registry)
	if err != nil {
		return PushResult{}, err
	}
	defer client.Close()
	r := PushResult{
		Ref: tag.Context().Digest(a.digest).Name(), Name: c.Name(), Version: c.Metadata.Version,
		Digest: a.digest, DryRun: o.DryRun,
	}
	present, err := published(ctx, client, tag)
	switch {
	case err != nil:
		return PushResult{}, err
	case present == a.digest:
		r.DryRun = false
		return r, nil
	case present != "":
		return PushResult{}, fault.Inputf("%s is there already with other content (%s, this chart is %s)", tag, present, a.digest).
			Fix("bump the version in Chart.yaml: a published version never changes")
	case o.DryRun:
		return r, nil
	}
	if err := a.write(client.Remote(ctx), tag); err != nil {
		return PushResult{}, registry.Explain("push "+tag.String(), tag.Registry, err)
	}
	r.Pushed = true
	return r, nil
}

// tagFor gives the chart's tag. A tag cannot hold the + of a version with build
// metadata; Helm writes _ for it.
func tagFor(repository, chart, version string) (name.Tag, error) {
	parent := strings.TrimSuffix(strings.TrimPrefix(repository, "oci://"), "/")
	repo, err := name.NewRepository(parent+"/"+chart, name.StrictValidation)
	if err != nil {
		return name.Tag{}, fault.Inputf("chart repository %q: %w", repository, err).Fix("write it as registry/project/charts")
	}
	return repo.Tag(strings.ReplaceAll(version, "+", "_")), nil
}

// published gives the digest behind the tag, or "" where there is none.
func published(ctx context.Context, client *registry.Client, tag name.Tag) (string, error) {
	d, err := remote.Head(tag, client.Remote(ctx)...)
	if response, ok := errors.AsType[*transport.Error](err); ok && response.StatusCode == http.StatusNotFound {
		return "", nil
	}
	if err != nil {
		return "", registry.Explain("look up "+tag.String(), tag.Registry, err)
	}
	return d.Digest.String(), nil
}
