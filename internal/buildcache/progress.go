package buildcache

import (
	"fmt"
	"io"
	"time"
)

// Progress tells a person what takes long and how long it took.
type Progress struct {
	Name string // stands before each line
	W    io.Writer
}

// Sayf writes one line.
func (p Progress) Sayf(format string, args ...any) {
	fmt.Fprintf(p.W, p.Name+": "+format+"\n", args...)
}

// Stage runs one long stage between two lines.
func (p Progress) Stage(what string, run func() error) error {
	start := time.Now()
	p.Sayf("%s…", what)
	if err := run(); err != nil {
		return err
	}
	p.Sayf("%s… %s", what, Seconds(time.Since(start)))
	return nil
}

// Seconds gives d for a person.
func Seconds(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}
