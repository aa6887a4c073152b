package cli

import (
	"fmt"
	"os"
	"time"

	"github.com/pave-platform/pave/internal/transfer"
)

// progressEvery is how often a log without a terminal says how far it is.
const progressEvery = 3 * time.Second

// TransferProgress shows how far a copy is: on a terminal in a line that is
// written over, else as a log line from time to time.
func (a *App) TransferProgress() func(transfer.Progress) {
	terminal := isTerminal(a.Stderr)
	last := time.Now()
	return func(p transfer.Progress) {
		done := p.Done == p.Entries
		switch {
		case terminal:
			fmt.Fprintf(a.Stderr, "\r\x1b[K%d/%d  %s", p.Done, p.Entries, progressWords(p))
			if done {
				fmt.Fprintln(a.Stderr)
			}
		case time.Since(last) >= progressEvery:
			last = time.Now()
			a.Log.Info("copying", "done", p.Done, "of", p.Entries, "sent", progressWords(p))
		}
	}
}

func progressWords(p transfer.Progress) string {
	words := fmt.Sprintf("%.1f of %.1f MB, %.1f MB/s", megabytes(p.Bytes), megabytes(p.Total), megabytes(int64(p.Rate)))
	if p.Left > 0 {
		words += ", " + p.Left.Round(time.Second).String() + " left"
	}
	return words
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }

// isTerminal tells whether somebody is looking at w.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
