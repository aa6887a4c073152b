package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pave-platform/pave/internal/fault"
)

// copies are the ways to copy one list of images, in the order of the table.
var copies = []string{"pave-mirror", "pave", "skopeo", "regsync", "crane"}

// mirrorFirst copies the list to an empty registry, each program in turn, and
// compares with copying the store's files.
func mirrorFirst(ctx context.Context, l *lab) (outcome, error) {
	m, err := l.mirror(ctx)
	if err != nil {
		return outcome{}, err
	}
	took := map[string]*side{}
	for round := range l.runs {
		l.say("round %d of %d: cp", round+1, l.runs)
		r, err := m.copyFiles(ctx)
		if err != nil {
			return outcome{}, err
		}
		note(took, "cp -r and sync", r)
		for _, by := range copies {
			l.say("round %d of %d: %s", round+1, l.runs, by)
			if err := m.emptyTarget(ctx); err != nil {
				return outcome{}, err
			}
			if r, err = m.copy(ctx, by, m.target.address); err != nil {
				return outcome{}, err
			}
			note(took, by, r)
		}
	}
	return m.compare(took, "skopeo", m.target.address), nil
}

// mirrorUnchanged does the same with nothing to do.
func mirrorUnchanged(ctx context.Context, l *lab) (outcome, error) {
	return mirrorAgain(ctx, l, 0)
}

// mirrorDistant is mirrorUnchanged with registries that are 20 ms away.
func mirrorDistant(ctx context.Context, l *lab) (outcome, error) {
	return mirrorAgain(ctx, l, 20*time.Millisecond)
}

func mirrorAgain(ctx context.Context, l *lab, away time.Duration) (outcome, error) {
	m, err := l.mirror(ctx)
	if err != nil {
		return outcome{}, err
	}
	if err := m.fill(ctx); err != nil {
		return outcome{}, err
	}
	to := m.target.address
	if away > 0 {
		to = m.target.front
		m.source.away.Store(int64(away))
		m.target.away.Store(int64(away))
		defer m.source.away.Store(0)
		defer m.target.away.Store(0)
	}
	took := map[string]*side{}
	for range l.runs {
		for _, by := range copies {
			r, err := m.copy(ctx, by, to)
			if err != nil {
				return outcome{}, err
			}
			note(took, by, r)
		}
	}
	best := slices.MinFunc(copies[2:], func(a, b string) int {
		return int(1000 * (median(took[a].wall) - median(took[b].wall)))
	})
	return m.compare(took, best, to), nil
}

// mirrorRequests counts requests with nothing to do.
func mirrorRequests(ctx context.Context, l *lab) (outcome, error) {
	m, err := l.mirror(ctx)
	if err != nil {
		return outcome{}, err
	}
	if err := m.fill(ctx); err != nil {
		return outcome{}, err
	}
	var o outcome
	var compared []string
	for _, by := range copies {
		if _, err := m.copy(ctx, by, m.target.front); err != nil {
			return outcome{}, err
		}
		source := float64(m.source.requests.Load()) / mirrorImages
		target := float64(m.target.requests.Load()) / mirrorImages
		compared = append(compared, fmt.Sprintf("%s %.2f to the source, %.2f to the target, %d manifests got there", by, source, target, m.target.gets.Load()))
		o.Commands = append(o.Commands, m.typed(by, m.target.front))
		if by == "pave-mirror" {
			o.Value, o.Unit, o.Runs = max(source, target), "x", []float64{max(source, target)}
		}
	}
	o.Compared = strings.Join(compared, "; ")
	return o, nil
}

// mirrorMemory copies one layer of 1 GiB.
func mirrorMemory(ctx context.Context, l *lab) (outcome, error) {
	m, err := l.mirror(ctx)
	if err != nil {
		return outcome{}, err
	}
	if err := m.large(ctx); err != nil {
		return outcome{}, err
	}
	took := map[string]*side{}
	for range l.runs {
		for _, by := range copies {
			if err := m.emptyTarget(ctx); err != nil {
				return outcome{}, err
			}
			r, err := m.copyList(ctx, by, m.target.address, m.largeList)
			if err != nil {
				return outcome{}, err
			}
			note(took, by, r)
		}
	}
	o := outcome{Unit: "MB", Runs: took["pave-mirror"].peak, Value: slices.Max(took["pave-mirror"].peak)}
	var compared []string
	for _, by := range copies {
		o.Commands = append(o.Commands, m.typed(by, m.target.address))
		compared = append(compared, by+": "+took[by].String())
	}
	o.Compared = strings.Join(compared, "; ")
	return o, nil
}

func note(took map[string]*side, by string, r ran) {
	if took[by] == nil {
		took[by] = &side{}
	}
	took[by].add(r)
}

// compare gives how many times longer the other took, round by round, and the
// times of all.
func (m *mirrorLab) compare(took map[string]*side, other, target string) outcome {
	o := outcome{Unit: "x"}
	for i, ours := range took["pave-mirror"].wall {
		o.Runs = append(o.Runs, took[other].wall[i]/ours)
	}
	o.Value = median(o.Runs)
	var compared []string
	for _, by := range append([]string{"cp -r and sync"}, copies...) {
		if took[by] == nil {
			continue
		}
		compared = append(compared, by+": "+took[by].String())
		if by != "cp -r and sync" {
			o.Commands = append(o.Commands, m.typed(by, target))
		}
	}
	o.Compared = "times " + other + "'s; " + strings.Join(compared, "; ")
	return o
}

// copy copies the list with one of the programs.
func (m *mirrorLab) copy(ctx context.Context, by, target string) (ran, error) {
	return m.copyList(ctx, by, target, m.list)
}

func (m *mirrorLab) copyList(ctx context.Context, by, target string, list []mirrored) (ran, error) {
	from := m.source.address
	if target == m.target.front {
		from = m.source.front // both are as far away
	}
	if err := m.prepare(ctx, by, from, target, list); err != nil {
		return ran{}, err
	}
	for _, n := range []*atomic.Int64{&m.source.requests, &m.target.requests, &m.target.gets} {
		n.Store(0)
	}
	return m.exec(ctx, m.dir, m.argv(by, target)...)
}

// copyFiles copies what the source's registry has stored.
func (m *mirrorLab) copyFiles(ctx context.Context) (ran, error) {
	to := m.path("mirror", "files")
	if err := os.RemoveAll(to); err != nil {
		return ran{}, err
	}
	defer os.RemoveAll(to)
	if _, err := m.exec(ctx, m.dir, "sync"); err != nil {
		return ran{}, err
	}
	r, err := m.exec(ctx, m.dir, "cp", "-r", m.source.dir, to)
	if err != nil {
		return ran{}, err
	}
	s, err := m.exec(ctx, m.dir, "sync")
	r.wall, r.cpu = r.wall+s.wall, r.cpu+s.cpu
	return r, err
}

// needSkopeo fails with a remedy where the one program that is not built from Go
// modules is missing.
func needSkopeo(err error) error {
	if err == nil {
		return nil
	}
	return fault.Inputf("%w", err).Fix("install skopeo, as with apt-get install skopeo")
}
