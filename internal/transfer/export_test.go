package transfer

import (
	"context"
	"sync"
	"time"
)

// Waited replaces waiting with noting for how long; the test calls the function
// that it returns for what was noted.
func Waited() func() []time.Duration {
	var mu sync.Mutex
	var all []time.Duration
	pause = func(ctx context.Context, d time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, d)
		return ctx.Err()
	}
	return func() []time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

func init() { firstDelay = time.Millisecond }
