package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/golden-path/contract"
	"github.com/pave-platform/pave/golden-path/render"
	"github.com/pave-platform/pave/hack/lab/helm"
	"github.com/pave-platform/pave/steps/chart"
)

const (
	applications = 1000
	helmRuns     = 20 // of helm template; what 1,000 take is extrapolated
	benchDigest  = "sha256:4a5c2b1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b"
)

// portfolio is what is rendered: real contracts, many applications of each.
type portfolio struct {
	contracts [][]byte
}

// newPortfolio takes every contract of the renderer's tests: the smallest, each
// feature alone, and all together.
func newPortfolio(repository string) (portfolio, error) {
	files, err := filepath.Glob(filepath.Join(repository, "golden-path", "render", "testdata", "*.yaml"))
	if err != nil || len(files) == 0 {
		return portfolio{}, fmt.Errorf("no contracts in the renderer's tests: %w", err)
	}
	var p portfolio
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return p, err
		}
		p.contracts = append(p.contracts, data)
	}
	return p, nil
}

// values are those of application i, whose name and team no other has.
func (p portfolio) values(i int) (map[string]any, error) {
	app, err := contract.Parse("platform.yaml", p.contracts[i%len(p.contracts)])
	if err != nil {
		return nil, err
	}
	app.Metadata.Name = contract.Name(fmt.Sprintf("app-%d", i))
	app.Metadata.Team = contract.Name(fmt.Sprintf("team-%d", i%100))
	app.Spec.Image.Repository = ""
	return render.Values(app, contract.Production, "registry.example.internal/demo/app@"+benchDigest)
}

// rendered is what rendering every application took.
type rendered struct {
	wall, cpu           time.Duration
	heapEarly, heapLate float64 // in use after a tenth of them and after all, MB
}

// render turns every contract into manifests on one core, one after the other.
func (p portfolio) render(ctx context.Context) (rendered, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	r, err := chart.NewRenderer(ctx, "")
	if err != nil {
		return rendered{}, err
	}
	var found rendered
	begun, used := time.Now(), cpuTime()
	for i := range applications {
		values, err := p.values(i)
		if err != nil {
			return found, err
		}
		if _, err := r.Render(chart.RenderOptions{Values: values, File: "platform.yaml", Namespace: "demo-production"}); err != nil {
			return found, err
		}
		if i == applications/10 {
			at, before := time.Now(), cpuTime()
			found.heapEarly = heapMB()
			begun, used = begun.Add(time.Since(at)), used+cpuTime()-before // looking is not rendering
		}
	}
	found.wall, found.cpu = time.Since(begun), cpuTime()-used
	found.heapLate = heapMB()
	return found, ctx.Err()
}

// manifestsEach is the time for one application. The processor's time counts: a
// busy machine stretches it less.
func manifestsEach(ctx context.Context, l *lab) (outcome, error) {
	p, err := newPortfolio(l.repository)
	if err != nil {
		return outcome{}, err
	}
	o := outcome{Unit: "ms", Commands: []string{"in process: contract.Parse, render.Values, chart.Renderer.Render, with GOMAXPROCS(1)"}}
	var last rendered
	for range l.runs {
		if last, err = p.render(ctx); err != nil {
			return outcome{}, err
		}
		o.Runs = append(o.Runs, each(last.cpu)*1000)
	}
	o.Value = median(o.Runs)
	o.Compared = fmt.Sprintf("%.1f ms on the clock; %.1f MB in use after %d applications, %.1f MB after %d",
		each(last.wall)*1000, last.heapEarly, applications/10, last.heapLate, applications)
	return o, nil
}

// manifestsHelm is how many times longer helm template takes. It gets values,
// and is spared what it takes to make them from platform.yaml.
func manifestsHelm(ctx context.Context, l *lab) (outcome, error) {
	p, err := newPortfolio(l.repository)
	if err != nil {
		return outcome{}, err
	}
	command, err := helm.CLI(ctx)
	if err != nil {
		return outcome{}, err
	}
	base := filepath.Join(l.repository, "golden-path", "chart", "platform-app")
	argv := func(i int) []string {
		return []string{command, "template", fmt.Sprintf("app-%d", i), base, "--namespace=demo-production",
			"--kube-version=" + chart.DefaultKubeVersion, "--values=" + l.path(fmt.Sprintf("app-%d.yaml", i))}
	}
	o := outcome{Unit: "x", Commands: []string{l.typed(l.dir, append([]string{"helm"}, argv(0)[1:]...)...)}}
	var theirs, ours []float64
	for range l.runs {
		us, err := p.render(ctx)
		if err != nil {
			return outcome{}, err
		}
		var sum time.Duration
		for n := range helmRuns {
			i := n * applications / helmRuns
			if err := p.write(i, l.path(fmt.Sprintf("app-%d.yaml", i))); err != nil {
				return outcome{}, err
			}
			r, err := l.exec(ctx, l.dir, argv(i)...)
			if err != nil {
				return outcome{}, err
			}
			sum += r.cpu
		}
		ours, theirs = append(ours, us.cpu.Seconds()), append(theirs, sum.Seconds()*applications/helmRuns)
		o.Runs = append(o.Runs, theirs[len(theirs)-1]/ours[len(ours)-1])
	}
	o.Value = median(o.Runs)
	o.Compared = fmt.Sprintf("%d runs of helm template: %.0f s of CPU, extrapolated from %d runs, against %.1f s", applications, median(theirs), helmRuns, median(ours))
	return o, nil
}

func (p portfolio) write(i int, path string) error {
	values, err := p.values(i)
	if err != nil {
		return err
	}
	data, err := yaml.Marshal(values)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

func each(d time.Duration) float64 { return d.Seconds() / applications }

// cpuTime is this process's, of program and kernel.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func heapMB() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}
