package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/forgetest"
)

const (
	previewBranch = "preview/" + app + "/greeting"
	previewDomain = "previews.example.internal"

	// lookingTime is how long Argo CD may take to see that a pull request came or
	// went, and to do what follows. It looks every ten seconds.
	lookingTime = 3 * time.Minute
)

// preview opens a pull request, shows its preview, and closes it.
func (p *platform) preview(ctx context.Context) error {
	p.step("Give pull requests previews; the forge is a double of Bitbucket Data Center")
	bitbucket, stop, err := p.bitbucket(ctx)
	if err != nil {
		return err
	}
	defer stop()
	at := []string{"--domain", previewDomain, "--forge", string(forge.BitbucketDataCenter), "--forge-url", bitbucket.API(forge.BitbucketDataCenter),
		"--forge-project", bitbucket.Project, "--forge-repository", bitbucket.Repository}
	enable := append([]string{"preview", "enable", "--repository", p.gitops.URL, "--file", app + "/platform.yaml", "--image", p.image,
		"--chart-repository", p.charts(), "--chart-version", p.chart, "--refresh", "10"}, at...)
	if err := p.pave(ctx, enable...); err != nil {
		return err
	}

	p.step("Push a branch, publish its image and open a pull request")
	if _, err := p.git(ctx, "checkout", "--quiet", "-b", previewBranch); err != nil {
		return err
	}
	if err := p.change(ctx, "greeting.go", `"Hello"`, `"Hello from a pull request"`, "feat: another greeting"); err != nil {
		return err
	}
	r, err := p.release(ctx)
	if err != nil {
		return err
	}
	bitbucket.PushCommit(previewBranch, r.commit)
	number := bitbucket.Open(previewBranch, "feat: another greeting")
	name := fmt.Sprintf("%s-pr-%d", app, number)
	application := project + ".previews." + name
	p.look("kubectl -n argocd get application %s", application)
	soon, cancel := context.WithTimeout(ctx, lookingTime)
	defer cancel()
	if err := p.lab.AwaitHealthy(soon, "argocd", application, ""); err != nil {
		return err
	}
	list := append([]string{"preview", "list", "--project", project, "--app", app, "--kubeconfig-file", p.lab.Kubeconfig}, at...)
	if err := p.pave(ctx, list...); err != nil {
		return err
	}
	if err := p.answers(ctx, "previews", name); err != nil {
		return err
	}

	p.step("Close the pull request: the preview goes away")
	bitbucket.Decline(number)
	soon, cancel = context.WithTimeout(ctx, lookingTime)
	defer cancel()
	if err := gone(soon, p.lab, application); err != nil {
		return err
	}
	p.look("kubectl -n %s-previews get all", project)
	return p.pave(ctx, list...)
}

// bitbucket serves the double, to pave and to Argo CD.
func (p *platform) bitbucket(ctx context.Context) (*forgetest.Server, func(), error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	double := forgetest.New(forgetest.Options{Project: project, Repository: app, Public: true})
	double.URL = "http://" + listener.Addr().String()
	server := &http.Server{Handler: double, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // until it is closed
	}()
	stop := func() {
		_ = server.Close()
		<-ended
	}
	if err := p.lab.Reach(ctx, listener.Addr().String()); err != nil {
		stop()
		return nil, nil, err
	}
	return double, stop, nil
}
