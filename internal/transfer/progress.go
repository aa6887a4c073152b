package transfer

import (
	"sync"
	"sync/atomic"
	"time"
)

// progress collects what has happened and tells it a few times a second.
type progress struct {
	entries         int
	known, finished atomic.Int64
	sent, total     atomic.Int64 // bytes
	looking         atomic.Int64 // bytes that were read and not sent
	tell            func(Progress)
}

const (
	tellEvery  = 200 * time.Millisecond
	rateWindow = 25 // so many samples
)

func newProgress(entries int, tell func(Progress)) *progress {
	return &progress{entries: entries, tell: tell}
}

// start begins telling; the function it returns tells for the last time.
func (p *progress) start() (stop func()) {
	if p.tell == nil {
		return func() {}
	}
	ticker, ended := time.NewTicker(tellEvery), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		samples := []sample{{time.Now(), 0}}
		for {
			select {
			case now := <-ticker.C:
				samples = append(samples, sample{now, p.sent.Load()})
				samples = samples[max(0, len(samples)-rateWindow):]
				p.tell(p.at(samples))
			case <-ended:
				p.tell(p.at(append(samples, sample{time.Now(), p.sent.Load()})))
				return
			}
		}
	})
	return func() {
		ticker.Stop()
		close(ended)
		wg.Wait()
	}
}

type sample struct {
	when time.Time
	sent int64
}

func (p *progress) at(samples []sample) Progress {
	first, last := samples[0], samples[len(samples)-1]
	now := Progress{
		Entries: p.entries, Known: int(p.known.Load()), Done: int(p.finished.Load()),
		Bytes: last.sent, Total: max(p.total.Load(), last.sent),
	}
	if t := last.when.Sub(first.when).Seconds(); t > 0 && last.sent > first.sent {
		now.Rate = float64(last.sent-first.sent) / t
		now.Left = time.Duration(float64(now.Total-now.Bytes) / now.Rate * float64(time.Second))
	}
	return now
}
