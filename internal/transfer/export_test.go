package transfer

import (
	"context"
	"sync"
	"testing"
	"time"
)

// Waited replaces the clock by one that goes on when somebody waits, and at once,
// until the test ends. The function that it returns gives what was waited for.
func Waited(t *testing.T) func() []time.Duration {
	var mu sync.Mutex
	var all []time.Duration
	var ahead time.Duration
	realNow, realPause := now, pause
	t.Cleanup(func() { now, pause = realNow, realPause })
	now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return realNow().Add(ahead)
	}
	pause = func(ctx context.Context, d time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, d)
		ahead += d
		return ctx.Err()
	}
	return func() []time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

func init() { firstDelay, markEvery = time.Millisecond, 1<<20 }
