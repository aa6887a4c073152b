package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pave-platform/pave/internal/dev/git"
)

const (
	deployed   = 1000 // applications in the GitOps repository
	concurrent = 50   // deploys at the same time
	shortPast  = 10   // commits
	longPast   = 5000
	patience   = 10 // times as long as ours is what the loops get
)

// gitopsServer serves repositories that are filled before they are used.
func (l *lab) gitopsServer(ctx context.Context) (string, error) {
	return l.gitServer.get(func() (string, error) {
		pave, err := l.paveBinary(ctx)
		if err != nil {
			return "", err
		}
		l.say("starting a Git server")
		return l.deployServers.serve(ctx, l, []string{pave, "dev", "git", "--json", "--addr=127.0.0.1:0", "--dir=" + l.path("deploys")})
	})
}

// gitops makes a repository of 1,000 applications and that many commits, and gives
// its URL.
func (l *lab) gitops(ctx context.Context, name string, commits int) (string, error) {
	server, err := l.gitopsServer(ctx)
	if err != nil {
		return "", err
	}
	repositories, err := git.New(git.Options{Dir: l.path("deploys")})
	if err != nil {
		return "", err
	}
	dir, err := repositories.Create(ctx, name)
	if err != nil {
		return "", err
	}
	cmd := command(ctx, dir, "git", "fast-import", "--quiet")
	cmd.Stdin = strings.NewReader(past(commits))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("git fast-import: %w\n%s", err, out)
	}
	return server + "/" + name + ".git", nil
}

// past is a history for git fast-import: all applications in the first commit, and
// one of them changed in each other.
func past(commits int) string {
	var b strings.Builder
	filler := strings.Repeat("# as long as a real one is\n", 60)
	for c := range commits {
		fmt.Fprintf(&b, "commit refs/heads/main\ncommitter bench <bench@example.org> %d +0000\ndata 6\ndeploy\n", 1700000000+c)
		first, last := c%deployed, c%deployed
		if c == 0 {
			first, last = 0, deployed-1
		}
		for app := first; app <= last; app++ {
			content := fmt.Sprintf("number: %d\ncommit: %d\n%s", app, c, filler)
			fmt.Fprintf(&b, "M 100644 inline apps/project-%d/staging/app-%d/application.yaml\ndata %d\n%s\n", app/20, app, len(content), content)
		}
	}
	return b.String()
}

// deployCommand deploys an application nobody has yet.
func (l *lab) deployCommand(ctx context.Context, url, app string) ([]string, error) {
	pave, err := l.paveBinary(ctx)
	if err != nil {
		return nil, err
	}
	values := l.path("deploy-values.yaml")
	if err := os.WriteFile(values, []byte("team: bench\nreplicas: 2\n"), 0o644); err != nil {
		return nil, err
	}
	return []string{
		pave, "deploy", "app", "--repository=" + url, "--project=bench", "--environment=staging", "--app=" + app,
		"--chart-repository=registry.example.org/platform/charts", "--chart-version=1.0.0", "--values=" + values,
		"--image=registry.example.org/bench/app@sha256:" + strings.Repeat("0", 64),
	}, nil
}

// deployHistory is one deploy into a repository with a long history, and how long
// the same takes with a short one.
func deployHistory(ctx context.Context, l *lab) (outcome, error) {
	var found [2][]ran
	var typed string
	for i, commits := range []int{longPast, shortPast} {
		url, err := l.gitops(ctx, "history-"+strconv.Itoa(commits), commits)
		if err != nil {
			return outcome{}, err
		}
		for n := range l.runs {
			argv, err := l.deployCommand(ctx, url, fmt.Sprintf("new-%d", n))
			if err != nil {
				return outcome{}, err
			}
			r, err := l.exec(ctx, l.dir, argv...)
			if err != nil {
				return outcome{}, err
			}
			found[i], typed = append(found[i], r), l.typed(l.dir, argv...)
		}
	}
	o := seconds(found[0], typed)
	o.Compared = fmt.Sprintf("%.2f s with %d commits of history in place of %d", seconds(found[1]).Value, shortPast, longPast)
	return o, nil
}

// deployConcurrent is how long 50 deploys of different applications take until the
// last has landed, as a part of what the usual loop takes.
func deployConcurrent(ctx context.Context, l *lab) (outcome, error) {
	o := outcome{Unit: "x"}
	var ours, loops []float64
	var ended string
	for n := range l.runs {
		mine, err := l.gitops(ctx, fmt.Sprintf("ours-%d", n), shortPast)
		if err != nil {
			return o, err
		}
		theirs, err := l.gitops(ctx, fmt.Sprintf("loop-%d", n), shortPast)
		if err != nil {
			return o, err
		}
		first, err := l.deployCommand(ctx, mine, "new-0")
		if err != nil {
			return o, err
		}
		l.say("%d deploys at the same time", concurrent)
		took, err := atOnce(func(i int) error {
			argv, err := l.deployCommandFor(first, i)
			if err == nil {
				_, err = l.exec(ctx, l.dir, argv...)
			}
			return err
		})
		if err := errors.Join(err, l.landed(ctx, fmt.Sprintf("ours-%d", n))); err != nil {
			return o, err
		}
		l.say("%d loops of git pull --rebase && git push at the same time", concurrent)
		bounded, cancel := context.WithTimeout(ctx, patience*took)
		loop, err := atOnce(func(i int) error { return l.pushLoop(bounded, theirs, fmt.Sprintf("%d-%d", n, i)) })
		gaveUp := bounded.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case gaveUp:
			ended = fmt.Sprintf(", when some of them were still trying and were ended (after %d times as long)", patience)
		case err == nil:
			err = l.landed(ctx, fmt.Sprintf("loop-%d", n))
		}
		if err != nil && !gaveUp {
			return o, err
		}
		ours, loops = append(ours, took.Seconds()), append(loops, loop.Seconds())
		o.Runs = append(o.Runs, took.Seconds()/loop.Seconds())
		o.Commands = []string{
			l.typed(l.dir, first...) + " # 50 of these",
			"git clone --depth=1 " + theirs + " . && git add . && git commit -m deploy && until git push; do git pull --rebase; done # 50 of these",
		}
	}
	o.Value = median(o.Runs)
	o.Compared = fmt.Sprintf("all landed: %.1f s, the loops %.1f s%s", median(ours), median(loops), ended)
	return o, nil
}

// deployCommandFor is argv for another application.
func (*lab) deployCommandFor(argv []string, i int) ([]string, error) {
	mine := append([]string{}, argv...)
	for j, a := range mine {
		if a == "--app=new-0" {
			mine[j] = fmt.Sprintf("--app=new-%d", i)
			return mine, nil
		}
	}
	return nil, errors.New("the command names no application")
}

// atOnce runs do for each deploy, all at the same time, until the last has ended.
func atOnce(do func(i int) error) (time.Duration, error) {
	errs := make([]error, concurrent)
	var all sync.WaitGroup
	start := time.Now()
	for i := range concurrent {
		all.Go(func() { errs[i] = do(i) })
	}
	all.Wait()
	return time.Since(start), errors.Join(errs...)
}

// pushLoop is what one would write instead: a shallow clone, a commit, and pushing
// until it is taken.
func (l *lab) pushLoop(ctx context.Context, url, name string) error {
	dir := l.path("loop", name)
	do := func(in string, args ...string) error {
		_, err := l.exec(ctx, in, append([]string{"git", "-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "commit.gpgsign=false"}, args...)...)
		return err
	}
	if err := do(l.dir, "clone", "--quiet", "--depth=1", url, dir); err != nil {
		return err
	}
	file := filepath.Join(dir, "apps", "bench", "staging", "new-"+name, "application.yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(strings.Repeat("# as long as a real one is\n", 60)), 0o644); err != nil {
		return err
	}
	if err := errors.Join(do(dir, "add", "."), do(dir, "commit", "--quiet", "--message=deploy")); err != nil {
		return err
	}
	for {
		err := do(dir, "push", "--quiet")
		var refused *exec.ExitError
		if err == nil || ctx.Err() != nil || !errors.As(err, &refused) {
			return err
		}
		_ = do(dir, "pull", "--quiet", "--rebase") // who writes such a loop does not look at this either
	}
}

// landed checks that no deploy is lost.
func (l *lab) landed(ctx context.Context, name string) error {
	r, err := l.exec(ctx, l.path("deploys", name+".git"), "git", "ls-tree", "-r", "--name-only", "main", "apps/bench/")
	if err != nil {
		return err
	}
	if n := strings.Count(r.stdout, "application.yaml"); n != concurrent {
		return fmt.Errorf("%d of %d deploys landed in %s", n, concurrent, name)
	}
	return nil
}
