package transfer

import (
	"context"
	"sync"
)

// each calls f for all elements at the same time and gives the first error in
// their order. Who waits for a registry is limited where the registry is, not
// here.
func each[T any](ctx context.Context, all []T, f func(context.Context, int, T) error) error {
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, v := range all {
		wg.Go(func() { errs[i] = f(ctx, i, v) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
