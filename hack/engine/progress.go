package main

import (
	"fmt"
	"io"
	"time"
)

// progress tells a person what takes long and how long it took.
type progress struct{ w io.Writer }

// sayf writes one line.
func (p progress) sayf(format string, args ...any) {
	fmt.Fprintf(p.w, "engine: "+format+"\n", args...)
}

// stage runs one long stage between two lines.
func (p progress) stage(what string, run func() error) error {
	start := time.Now()
	p.sayf("%s…", what)
	if err := run(); err != nil {
		return err
	}
	p.sayf("%s… %s", what, seconds(time.Since(start)))
	return nil
}

func seconds(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}
