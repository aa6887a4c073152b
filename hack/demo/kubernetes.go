package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

var namespaceResource = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}

// namespaces makes those of the project's environments, as onboarding would.
func (p *platform) namespaces(ctx context.Context, environments ...string) error {
	for _, e := range environments {
		ns := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
		ns.SetName(project + "-" + e)
		ns.SetLabels(map[string]string{
			"managed-by": "idp-platform", "app.kubernetes.io/part-of": project, "pod-security.kubernetes.io/enforce": "restricted",
		})
		if _, err := p.lab.Dynamic.Resource(namespaceResource).Apply(ctx, ns.GetName(), ns, metav1.ApplyOptions{FieldManager: "demo", Force: true}); err != nil {
			return err
		}
	}
	return nil
}

// answers asks the application in an environment for its page, through the API
// server, and shows what it says.
func (p *platform) answers(ctx context.Context, environment, service string) error {
	path := fmt.Sprintf("/api/v1/namespaces/%s-%s/services/http:%s:80/proxy/", project, environment, service)
	client, err := rest.HTTPClientFor(p.lab.Config)
	if err != nil {
		return err
	}
	var last error
	for range 20 {
		text, err := page(ctx, client, p.lab.Config.Host+path)
		if err == nil {
			p.say(text)
			p.look("kubectl get --raw %s", path)
			return nil
		}
		last = err
		select {
		case <-time.After(500 * time.Millisecond): // a Service learns of its pods a moment after they are ready
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("%s in %s does not answer: %w", service, environment, last)
}

// page gives the text of a page's heading.
func page(ctx context.Context, client *http.Client, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	answer, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	if err != nil {
		return "", err
	}
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", answer.Status, body)
	}
	_, heading, _ := strings.Cut(string(body), "<h1>")
	heading, _, _ = strings.Cut(heading, "</h1>")
	return "HTTP " + answer.Status + ": " + heading, nil
}
