package transfer

import "context"

// Copy brings every entry to its target. Entries do not wait for each other: one
// that fails does not keep the others from being copied. The Result is complete
// also beside an error, which joins the entries' errors, each of a kind of
// internal/fault: Input where the entry is wrong, else Failed. If ctx ends, tags
// that have not moved stay.
func Copy(ctx context.Context, entries []Entry, o Options) (Result, error) {
	panic("not yet")
}
