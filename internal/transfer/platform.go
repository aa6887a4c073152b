package transfer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
)

// rightPlatform refuses an image without an index that is for none of the chosen
// platforms.
func (c *copying) rightPlatform(ctx context.Context, n *node) error {
	if len(c.entry.Platforms) == 0 || n.isIndex() || n.doc.Config == nil || !n.doc.Config.MediaType.IsConfig() {
		return nil
	}
	d := *n.doc.Config
	if d.Size > maxManifest {
		return fault.Failedf("image config %s has %d bytes", d.Digest, d.Size)
	}
	s := newStream(ctx, d, &c.progress.looking, func(ctx context.Context, from int64) (io.ReadCloser, error) {
		return c.source.blob(ctx, c.entry.Source.Repository, d, from)
	})
	defer s.stop()
	raw, err := io.ReadAll(s)
	if err != nil {
		return fmt.Errorf("image config %s: %w", d.Digest, err)
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(raw))
	if err != nil {
		return fault.Failedf("image config %s: %w", d.Digest, err)
	}
	is := config.Platform()
	if is == nil || is.OS == "" || slices.ContainsFunc(c.entry.Platforms, is.Satisfies) {
		return nil
	}
	return fault.Inputf("%s is an image for %s only", n.desc.Digest, is).Fix("choose this platform, or none")
}
