package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
)

// gate is what the rows about gates run on.
type gate struct {
	*lab
	pave, tarball, cache string
}

func newGate(ctx context.Context, l *lab) (*gate, error) {
	g := &gate{lab: l}
	var err error
	if g.pave, err = l.paveBinary(ctx); err != nil {
		return nil, err
	}
	if g.cache, err = l.trivyCache(ctx); err != nil {
		return nil, err
	}
	g.tarball, err = l.bigImage(ctx)
	return g, err
}

// The three commands write their documents to a folder each. No limit: what is
// found does not matter here.
func (g *gate) oneRead() []string {
	return []string{g.pave, "gate", "image", "--tarball=" + g.tarball, "--database=" + filepath.Join(g.cache, "db"), "--max-critical=-1", "--output=" + g.path("gate")}
}

func (g *gate) sbom() []string {
	return []string{g.pave, "sbom", "create", "--tarball=" + g.tarball, "--output=" + g.path("sbom")}
}

func (g *gate) scan() []string {
	return []string{g.pave, "scan", "image", "--tarball=" + g.tarball, "--database=" + filepath.Join(g.cache, "db"), "--max-critical=-1", "--output=" + g.path("scan")}
}

func gatesOneRead(ctx context.Context, l *lab) (outcome, error) {
	g, err := newGate(ctx, l)
	if err != nil {
		return outcome{}, err
	}
	return g.against(ctx, "pave sbom create, then pave scan image", g.sbom(), g.scan())
}

func gatesMemory(ctx context.Context, l *lab) (outcome, error) {
	g, err := newGate(ctx, l)
	if err != nil {
		return outcome{}, err
	}
	runs, err := l.repeat(ctx, l.dir, g.oneRead()...)
	if err != nil {
		return outcome{}, err
	}
	o := outcome{Unit: "MB", Commands: []string{l.typed(l.dir, g.oneRead()...)}}
	for _, r := range runs {
		o.Runs = append(o.Runs, r.peak)
	}
	o.Value = slices.Max(o.Runs)
	return o, nil
}

// against is the time that the gates take on one read, as a part of the time
// that others take one after the other. They take turns, so that a load from
// outside slows both; the first round is not counted.
func (g *gate) against(ctx context.Context, name string, others ...[]string) (outcome, error) {
	o := outcome{Unit: "x", Commands: []string{g.typed(g.dir, g.oneRead()...)}}
	for _, c := range others {
		o.Commands = append(o.Commands, g.typed(g.dir, c...))
	}
	var ours, theirs side
	for round := range g.runs + 1 {
		g.say("round %d of %d (round 0 is not counted)", round, g.runs)
		us, err := g.sequence(ctx, g.oneRead())
		if err != nil {
			return outcome{}, err
		}
		them, err := g.sequence(ctx, others...)
		if err != nil {
			return outcome{}, err
		}
		if round == 0 {
			continue
		}
		ours.add(us)
		theirs.add(them)
		o.Runs = append(o.Runs, us.wall.Seconds()/them.wall.Seconds())
	}
	o.Value = median(o.Runs)
	o.Compared = fmt.Sprintf("%s: %s, against %s", name, theirs, ours)
	return o, nil
}

// sequence runs commands one after the other and counts them as one.
func (g *gate) sequence(ctx context.Context, commands ...[]string) (ran, error) {
	var sum ran
	for _, c := range commands {
		r, err := g.exec(ctx, g.dir, c...)
		if err != nil {
			return ran{}, err
		}
		sum.wall, sum.cpu, sum.peak = sum.wall+r.wall, sum.cpu+r.cpu, max(sum.peak, r.peak)
	}
	return sum, nil
}

// side is one of two sides of a comparison.
type side struct{ wall, cpu, peak []float64 }

func (s *side) add(r ran) {
	s.wall, s.cpu, s.peak = append(s.wall, r.wall.Seconds()), append(s.cpu, r.cpu.Seconds()), append(s.peak, r.peak)
}

// String gives the processor's time too: a busy machine stretches it less.
func (s side) String() string {
	return fmt.Sprintf("%.2f s (%.2f s of CPU, %.0f MB)", median(s.wall), median(s.cpu), slices.Max(s.peak))
}
