package sign_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/steps/sign"
)

// cut interrupts a run at the nth request that writes, before or after the
// registry has served it.
type cut struct {
	mu     sync.Mutex
	left   int
	after  bool
	cancel func()
}

// arm makes the nth writing request from now call cancel; 0 disarms.
func (c *cut) arm(n int, after bool, cancel func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left, c.after, c.cancel = n, after, cancel
}

// due counts a writing request.
func (c *cut) due() (now, after bool, cancel func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left--
	return c.left == 0, c.after, c.cancel
}

func (c *cut) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		now, after, cancel := c.due()
		if !now {
			next.ServeHTTP(w, r)
			return
		}
		if after {
			next.ServeHTTP(httptest.NewRecorder(), r)
		}
		cancel()
		panic(http.ErrAbortHandler) // the connection breaks, as of a killed process
	})
}

func TestARunKilledAnywhereIsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	for kind, without := range map[string]bool{"with referrers": false, "without referrers": true} {
		for _, format := range []sign.Format{sign.Bundle, sign.Legacy} {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s as %s, request served %t", kind, format, after), func(t *testing.T) {
					t.Parallel()
					var c cut
					l := newLab(t, registrytest.New(t, registrytest.Options{Plain: true, Anonymous: true, NoReferrers: without, Wrap: c.wrap}))
					predicates := facts(t)[:2]
					interrupted := 0
					for n := 1; ; n++ {
						l.digest = l.push(t, "project/app")
						ctx, cancel := context.WithCancel(t.Context())
						c.arm(n, after, cancel)
						_, err := sign.Image(ctx, l.target(format))
						if err == nil {
							_, err = sign.Attest(ctx, l.target(format), predicates)
						}
						c.arm(0, false, nil)
						cancel()
						if err != nil {
							interrupted++
							if !errors.Is(err, context.Canceled) {
								t.Fatalf("request %d: %v, want it to say that it was interrupted", n, err)
							}
						}
						l.sign(t, format, predicates)
						if got := l.manifests(t); got != 1+len(predicates) {
							t.Errorf("killed at request %d: %d manifests after the second run", n, got)
						}
						if _, verr := sign.Verify(t.Context(), l.verification("spdx", "cyclonedx")); verr != nil {
							t.Errorf("killed at request %d: %v", n, verr)
						}
						if err == nil {
							break // n is beyond the last request
						}
					}
					if interrupted < 5 {
						t.Errorf("only %d requests were cut", interrupted)
					}
				})
			}
		}
	}
}
