package report

import (
	"context"
	"os"
	"path/filepath"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/outfile"
)

// output is the folder of the report. A file in it is whole or not there.
type output struct {
	from, to string
	same     bool // the results already stand in the report's folder
}

func openOutput(from, to string) (output, error) {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return output{}, fault.Failedf("report: %w", err)
	}
	a, err := os.Stat(from)
	if err != nil {
		return output{}, fault.Failedf("report: %w", err)
	}
	b, err := os.Stat(to)
	if err != nil {
		return output{}, fault.Failedf("report: %w", err)
	}
	return output{from: from, to: to, same: os.SameFile(a, b)}, nil
}

// copy brings one of the results over.
func (o output) copy(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if o.same {
		return nil
	}
	content, err := os.ReadFile(filepath.Join(o.from, name))
	if err != nil {
		return fault.Failedf("report: %w", err)
	}
	return o.write(name, content)
}

func (o output) write(name string, content []byte) error {
	if err := outfile.Write(filepath.Join(o.to, name), content); err != nil {
		return fault.Failedf("report: %w", err)
	}
	return nil
}
