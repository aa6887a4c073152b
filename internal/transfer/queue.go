package transfer

import (
	"container/heap"
	"context"
	"slices"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// blob is a distinct blob of the run: it comes from its source once and is
// mounted from there on, however many entries need it.
type blob struct {
	desc    v1.Descriptor
	at      []string // repositories of the target that have it
	waiting []*need
	busy    bool // queued or being sent
}

// need is a blob that a repository of the target shall have.
type need struct {
	from name.Repository // of the source
	to   name.Repository
	size int64
	seen chan struct{} // the target was asked
	done chan struct{}
	how  outcome // after done
	err  error
}

// outcome is how a need was met.
type outcome int

const (
	present outcome = iota
	mounted
	sent
)

// wait waits for a need.
func (n *need) wait(ctx context.Context) error {
	select {
	case <-n.done:
		return n.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lane is a queue with so many workers: the largest blob first, so that none is
// left to the end.
type lane struct {
	mu      sync.Mutex
	queue   largest
	running int
	limit   int
}

// push adds a blob and makes sure that somebody works on it.
func (l *lane) push(b *blob, work func(*blob)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	heap.Push(&l.queue, b)
	if l.running == l.limit {
		return
	}
	l.running++
	go func() {
		for {
			l.mu.Lock()
			if len(l.queue) == 0 {
				l.running--
				l.mu.Unlock()
				return
			}
			b := heap.Pop(&l.queue).(*blob)
			l.mu.Unlock()
			work(b)
		}
	}()
}

// largest is a heap of blobs.
type largest []*blob

// Len implements sort.Interface.
func (q largest) Len() int { return len(q) }

// Less implements sort.Interface.
func (q largest) Less(i, j int) bool { return q[i].desc.Size > q[j].desc.Size }

// Swap implements sort.Interface.
func (q largest) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *largest) Push(b any) { *q = append(*q, b.(*blob)) }

// Pop implements heap.Interface.
func (q *largest) Pop() any {
	last := len(*q) - 1
	b := (*q)[last]
	*q = slices.Delete(*q, last, last+1)
	return b
}

// lanes are the queues of a source registry: large blobs take their time on the
// wire, small ones a round trip each.
type lanes struct{ large, small lane }

func (r *run) lane(b *blob, from name.Repository) *lane {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.lanes[from.RegistryStr()]
	if l == nil {
		l = &lanes{large: lane{limit: r.sourceJobs}, small: lane{limit: lightJobs / 2}}
		r.lanes[from.RegistryStr()] = l
	}
	if b.desc.Size > smallBlob {
		return &l.large
	}
	return &l.small
}
