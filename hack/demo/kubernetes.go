package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/pave-platform/pave/internal/lab"
)

// prepared is what a platform has before pave comes: the namespaces, and Argo CD's
// way to the charts. This registry speaks plain http, on loopback.
const prepared = `
apiVersion: v1
kind: Namespace
metadata: {name: demo-staging, labels: {managed-by: idp-platform, pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: Namespace
metadata: {name: demo-production, labels: {managed-by: idp-platform, pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: Namespace
metadata: {name: demo-previews, labels: {managed-by: idp-platform, pave.dev/environment: previews, pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: Secret
metadata: {name: charts, namespace: argocd, labels: {argocd.argoproj.io/secret-type: repository}}
stringData: {type: helm, name: charts, url: %q, enableOCI: "true", insecureOCIForceHttp: "true"}
`

// follow makes Argo CD follow the GitOps repository.
func (p *platform) follow(ctx context.Context) error {
	if err := p.lab.ApplyYAML(ctx, fmt.Appendf(nil, prepared, p.charts())); err != nil {
		return err
	}
	options := []string{"--chart-repository", p.charts(), "--project", project + "=demo-developers", "--previews"}
	if err := p.pave(ctx, append([]string{"gitops", "init", "--repository", p.gitops.URL}, options...)...); err != nil {
		return err
	}
	if err := p.pave(ctx, append([]string{"gitops", "render", "--output", "gitops", "--argocd-repository", p.gitops.URL}, options...)...); err != nil {
		return err
	}
	for _, name := range []string{"appproject-platform.yaml", "platform.yaml"} {
		fmt.Fprintf(p.out, "   $ kubectl apply -f gitops/platform/%s\n", name)
		manifest, err := os.ReadFile(filepath.Join(p.dir, "gitops", "platform", name))
		if err != nil {
			return err
		}
		if err := p.lab.ApplyYAML(ctx, manifest); err != nil {
			return err
		}
	}
	p.look("kubectl -n argocd get applications")
	return p.lab.AwaitHealthy(ctx, "argocd", "platform", "")
}

// answers asks the application in an environment for its page, and shows what it
// says. A Service learns of its pods a moment after they are ready.
func (p *platform) answers(ctx context.Context, environment, service string) error {
	namespace := project + "-" + environment
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		status, body, err := p.lab.HTTP(ctx, namespace, service, "http", "/")
		if err == nil && status == http.StatusOK {
			_, heading, _ := strings.Cut(string(body), "<h1>")
			heading, _, _ = strings.Cut(heading, "</h1>")
			p.say(fmt.Sprintf("HTTP %d: %s", status, heading))
			p.look("kubectl get --raw /api/v1/namespaces/%s/services/%s:http/proxy/", namespace, service)
			return nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%s in %s does not answer: %d %s", service, namespace, status, body), err)
		}
	}
}

// gone waits until an Application is no more.
func gone(ctx context.Context, l *lab.Lab, name string) error {
	for {
		_, err := l.Get(ctx, "argoproj.io/v1alpha1", "Application", "argocd", name)
		if apierrors.IsNotFound(err) {
			return nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("application %s is still there: %w", name, ctx.Err()), err)
		}
	}
}
