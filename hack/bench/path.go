package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// application is a team's repository: examples/hello-go, with a commit.
type application struct {
	*lab
	dir  string
	call []string // the golden path
}

func (l *lab) application(ctx context.Context) (*application, error) {
	return l.app.get(func() (*application, error) {
		if err := needDagger(); err != nil {
			return nil, err
		}
		s, err := l.servers(ctx)
		if err != nil {
			return nil, err
		}
		cache, err := l.trivyCache(ctx)
		if err != nil {
			return nil, err
		}
		pave, err := l.paveBinary(ctx)
		if err != nil {
			return nil, err
		}
		if _, err := l.exec(ctx, l.dir, pave, "sign", "keygen", "--output-dir="+l.path("key")); err != nil {
			return nil, err
		}
		a := &application{lab: l, dir: l.path("app")}
		if err := os.CopyFS(a.dir, os.DirFS(filepath.Join(l.repository, "examples", "hello-go"))); err != nil {
			return nil, err
		}
		if _, err := l.exec(ctx, a.dir, "git", "init", "--quiet", "--initial-branch=main"); err != nil {
			return nil, err
		}
		a.call = []string{"dagger", "call", "--progress=plain", "-m", l.repository}
		if l.pave != "" {
			a.call = append(a.call, "--prebuilt="+l.pave)
		}
		a.call = append(a.call,
			"golden-path", "--source=.", "--database="+filepath.Join(cache, "db"), "--ca="+s.ca,
			"--registry="+s.registry, "--registry-user=bench", "--registry-password=file://"+s.password,
			"--signing-key=file://"+l.path("key", "cosign.key"),
			"--gitops="+s.gitops, "--gitops-user=bench", "--gitops-token=file://"+s.token,
			"run")
		return a, a.commit(ctx, "feat: say hello")
	})
}

func (a *application) commit(ctx context.Context, message string) error {
	if _, err := a.exec(ctx, a.dir, "git", "add", "--all"); err != nil {
		return err
	}
	_, err := a.exec(ctx, a.dir, "git", "-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "commit.gpgsign=false",
		"commit", "--quiet", "--message="+message)
	return err
}

// walked is a call of the golden path and the image that came of it.
type walked struct {
	ran
	digest string
}

var digest = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

func (a *application) walk(ctx context.Context) (walked, error) {
	r, err := a.exec(ctx, a.dir, a.call...)
	if err != nil {
		return walked{}, err
	}
	w := walked{ran: r, digest: digest.FindString(r.stdout)}
	if w.digest == "" {
		return w, fmt.Errorf("the golden path names no image:\n%s", tail(r.stdout))
	}
	return w, nil
}

// begin walks once without being measured: the engine then has all tools.
func (a *application) begin(ctx context.Context) (walked, error) {
	a.say("the first call; with an empty engine it builds the tools, which takes minutes")
	w, err := a.walk(ctx)
	a.say("the first call took %.1f s", w.wall.Seconds())
	return w, err
}

func pathUnchanged(ctx context.Context, l *lab) (outcome, error) {
	return pathMeasure(ctx, l, func(*application, int) error { return nil }, func(before, after string) error {
		if before != after {
			return fmt.Errorf("nothing was changed, but %s became %s", before, after)
		}
		return nil
	})
}

// pathChanged changes what the application says to people without a language in
// common with it: one line of Go, another one each time, also in another run of
// bench, because the engine remembers.
func pathChanged(ctx context.Context, l *lab) (outcome, error) {
	change := func(a *application, n int) error {
		file := filepath.Join(a.dir, "greeting.go")
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		line := regexp.MustCompile(`(?m)^.*language\.English, ".*$`)
		if len(line.FindAll(source, -1)) != 1 {
			return fmt.Errorf("%s: no line with an English greeting to change", file)
		}
		changed := line.ReplaceAllLiteral(source, fmt.Appendf(nil, "\t{language.English, \"Hello %d\"},", time.Now().UnixNano()))
		if err := os.WriteFile(file, changed, 0o644); err != nil {
			return err
		}
		return a.commit(ctx, fmt.Sprintf("feat: say hello in another way (%d)", n))
	}
	return pathMeasure(ctx, l, change, func(before, after string) error {
		if before == after {
			return fmt.Errorf("the source was changed, but the image is still %s", before)
		}
		return nil
	})
}

// pathMeasure times the golden path after each change. check says whether the
// image is what the change makes one expect; else nothing real was measured.
func pathMeasure(ctx context.Context, l *lab, change func(a *application, n int) error, check func(before, after string) error) (outcome, error) {
	a, err := l.application(ctx)
	if err != nil {
		return outcome{}, err
	}
	last, err := a.begin(ctx)
	if err != nil {
		return outcome{}, err
	}
	var runs []ran
	for n := range l.runs {
		if err := change(a, n); err != nil {
			return outcome{}, err
		}
		w, err := a.walk(ctx)
		if err != nil {
			return outcome{}, err
		}
		if err := check(last.digest, w.digest); err != nil {
			return outcome{}, err
		}
		l.say("%.1f s", w.wall.Seconds())
		last, runs = w, append(runs, w.ran)
	}
	return seconds(runs, strings.TrimSpace(l.typed(a.dir, a.call...))), nil
}
