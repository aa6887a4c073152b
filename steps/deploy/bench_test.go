package deploy_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/steps/deploy"
)

// grown is a server whose repository has apps applications and commits commits
// of history, as the platform's would.
func grown(b *testing.B, apps, commits int, o gittest.Options) *gittest.Server {
	b.Helper()
	s := gittest.Start(b, o)
	files := map[string]string{}
	filler := strings.Repeat("# as long as a real one\n", 100)
	for i := range apps {
		files[fmt.Sprintf("apps/project-%d/staging/app-%d/application.yaml", i/20, i)] = fmt.Sprintf("number: %d\n%s", i, filler)
	}
	s.Commit(b, "main", "applications", files)
	for i := range commits {
		s.Commit(b, "main", "history", map[string]string{"apps/project-0/staging/app-0/application.yaml": fmt.Sprintf("number: %d\n%s", i, filler)})
	}
	return s
}

// BenchmarkDeploy is one deploy into repositories of several sizes: it should
// cost the same in all.
func BenchmarkDeploy(b *testing.B) {
	for name, size := range map[string]struct {
		apps, commits int
		whole         bool
	}{
		"10apps": {10, 1, false}, "1000apps": {1000, 1, false}, "1000apps,200commits": {1000, 200, false}, "1000apps,no-partial-clone": {1000, 1, true},
	} {
		b.Run(name, func(b *testing.B) {
			s := grown(b, size.apps, size.commits, gittest.Options{Whole: size.whole})
			o := options(b, s)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				o.Image = image(n)
				if _, err := deploy.Run(b.Context(), o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkConcurrentDeploys is 50 deploys of different applications at the
// same time, into a repository of 1,000.
func BenchmarkConcurrentDeploys(b *testing.B) {
	s := grown(b, 1000, 1, gittest.Options{})
	const deploys = 50
	round := 0
	for b.Loop() {
		round++
		attempts := make([]int, deploys)
		var wg sync.WaitGroup
		start := time.Now()
		for i := range deploys {
			o := options(b, s)
			o.App, o.Image = fmt.Sprintf("web-%d", i), image(round)
			wg.Go(func() {
				r, err := deploy.Run(b.Context(), o)
				if err != nil || !r.Changed {
					b.Errorf("%+v, %v", r, err)
				}
				attempts[i] = r.Attempts
			})
		}
		wg.Wait()
		total, most := 0, 0
		for _, n := range attempts {
			total, most = total+n, max(most, n)
		}
		b.ReportMetric(float64(total)/deploys, "attempts/deploy")
		b.ReportMetric(float64(most), "attempts-most")
		b.ReportMetric(float64(deploys)/time.Since(start).Seconds(), "deploys/s")
	}
}
