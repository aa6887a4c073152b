package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/forgetest"
)

const (
	previewBranch = "preview/" + app + "/greeting"
	previewDomain = "previews.example.internal"
)

// preview opens a pull request, shows its preview, and closes it.
func (p *platform) preview(ctx context.Context) error {
	p.step("Give pull requests previews; the forge is a double of Bitbucket Cloud")
	bitbucket, stop, err := p.bitbucket(ctx)
	if err != nil {
		return err
	}
	defer stop()
	at := []string{"--domain", previewDomain, "--forge", string(forge.BitbucketCloud), "--forge-url", bitbucket.API(forge.BitbucketCloud),
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
	if err := p.until(ctx, application, "is Healthy", healthy); err != nil {
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
	if err := p.until(ctx, application, "is gone", func(a *unstructured.Unstructured) bool { return a == nil }); err != nil {
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

var applicationResource = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applications"}

// until waits until an Application, nil where there is none, is as wanted.
func (p *platform) until(ctx context.Context, name, what string, wanted func(*unstructured.Unstructured) bool) error {
	p.look("kubectl -n argocd get application %s", name)
	ctx, cancel := context.WithTimeoutCause(ctx, 3*time.Minute, errors.New("three minutes are over"))
	defer cancel()
	look := time.NewTicker(500 * time.Millisecond)
	defer look.Stop()
	for {
		a, err := p.lab.Dynamic.Resource(applicationResource).Namespace("argocd").Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			a = nil
		case err != nil:
			return err
		}
		if wanted(a) {
			fmt.Fprintf(p.out, "   Application %s %s\n", name, what)
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting until Application %s %s: %w", name, what, context.Cause(ctx))
		}
	}
}

func healthy(a *unstructured.Unstructured) bool {
	if a == nil {
		return false
	}
	health, _, _ := unstructured.NestedString(a.Object, "status", "health", "status")
	sync, _, _ := unstructured.NestedString(a.Object, "status", "sync", "status")
	return health == "Healthy" && sync == "Synced"
}
