package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/pave-platform/pave/internal/fault"
)

func TestKindOf(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want fault.Kind
	}{
		"a plain error is a failure":             {io.EOF, fault.Failed},
		"a gate stays a gate when wrapped":       {fmt.Errorf("scan: %w", fault.Gatef("no")), fault.Gate},
		"the outermost kind wins":                {fault.Inputf("file: %w", fault.Gatef("no")), fault.Input},
		"a joined error keeps the kind it holds": {errors.Join(io.EOF, fault.Inputf("bad")), fault.Input},
	} {
		if got := fault.KindOf(c.err); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

func TestRemedyFollowsTheCause(t *testing.T) {
	err := fault.Failedf("registry: %w", io.EOF).Fix("check %s", "the address")
	if got, want := err.Error(), "registry: EOF; check the address"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, io.EOF) {
		t.Error("the cause is lost")
	}
}
