package cluster

import (
	"context"

	"github.com/pave-platform/pave/bootstrap/fleet"
)

// Downloads are the Downloads of a Bitbucket repository.
type Downloads struct{}

func (d Downloads) check() error { return nil }

func (d Downloads) upload(_ context.Context, _ *fleet.Fleet, _ fleet.Configs) ([]string, error) {
	return []string{}, nil
}
