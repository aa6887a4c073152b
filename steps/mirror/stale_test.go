package mirror_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/steps/mirror"
)

func TestTagsThatLeftTheListAreLookedUpAtTheSameTime(t *testing.T) {
	const left = 8
	front := &registrytest.Front{}
	l := labOf(t, registrytest.New(t, registrytest.Options{}), registrytest.New(t, registrytest.Options{Wrap: front.Wrap}))
	same := image(t, "linux/amd64", "same", 0)
	var entries []string
	for i := range left + 1 {
		l.push(t, fmt.Sprintf("a%d:1", i), same)
		entries = append(entries, fmt.Sprintf("name: a%d, source: SOURCE/a%d, tags: ['1']", i, i))
	}
	l.list(t, entries...)
	l.approve(t)
	l.run(t)
	l.list(t, entries[left])

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // one after the other would wait for ever
	defer cancel()
	var asked atomic.Int64
	all := make(chan struct{})
	front.Break("HEAD", "/a[0-7]/manifests/", left, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if asked.Add(1) == left {
			close(all)
		}
		select {
		case <-all:
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
	r, err := mirror.Run(ctx, l.runOptions())
	if err != nil || r.Count(mirror.Stale) != left || r.Count(mirror.Present) != 1 {
		t.Errorf("%d of %d were looked up at the same time: %+v, %v", asked.Load(), left, r, err)
	}
}
