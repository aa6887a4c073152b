package transfer_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/internal/transfer"
)

// With nothing to do, a run takes two round trips to a registry that is far away:
// the greeting, and all tags at once.
func TestAllTagsAreAskedForAtTheSameTime(t *testing.T) {
	for name, options := range map[string]registrytest.Options{"plain": open, "a password": {}, "HTTP/2": {HTTP2: true}} {
		t.Run(name, func(t *testing.T) {
			const tags = 40
			p := newPair(t, registrytest.New, registrytest.New, open, options)
			d := p.make.image("pub/app", "", "amd64", 1, 100)
			entries := make([]transfer.Entry, tags)
			for i := range entries {
				entries[i] = p.entry(t, "pub/app", d, fmt.Sprintf("library/app%d", i), "1")
			}
			p.copies(t, p.options(t), entries...)

			ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a run that asks for fewer would wait for ever
			defer cancel()
			var asked atomic.Int64
			all := make(chan struct{})
			p.target.Break("HEAD", "/manifests/", tags, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if asked.Add(1) == tags {
					close(all)
				}
				select {
				case <-all:
					next.ServeHTTP(w, r)
				case <-r.Context().Done():
				}
			})
			p.target.Reset()
			r, err := transfer.Copy(ctx, entries, p.options(t))
			if err != nil || r.Present != tags {
				t.Errorf("%d of %d tags were asked for at the same time: %d present, %v", asked.Load(), tags, r.Present, err)
			}
			if n := len(p.target.Requests()); n > tags+1 {
				t.Errorf("%d requests for %d tags", n, tags)
			}
		})
	}
}
