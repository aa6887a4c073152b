package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/pave-platform/pave/hack/lab/crds"
	"github.com/pave-platform/pave/internal/lab/kube"
)

// pollEvery is how often Await looks.
const pollEvery = 100 * time.Millisecond

// Apply applies objects of any kind on the server's side, in their order, with
// strict field validation.
func (l *Lab) Apply(ctx context.Context, objects ...*unstructured.Unstructured) error {
	for _, o := range objects {
		if _, err := l.cluster.Apply(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// ApplyYAML is Apply of the documents in data.
func (l *Lab) ApplyYAML(ctx context.Context, data []byte) error {
	objects, err := kube.Documents(data)
	if err != nil {
		return err
	}
	return l.Apply(ctx, objects...)
}

// Get gives an object: l.Get(ctx, "argoproj.io/v1alpha1", "Application", "argocd", "shop").
func (l *Lab) Get(ctx context.Context, apiVersion, kind, namespace, name string) (*unstructured.Unstructured, error) {
	resource, err := l.cluster.Resource(schema.FromAPIVersionAndKind(apiVersion, kind), namespace)
	if err != nil {
		return nil, err
	}
	return resource.Get(ctx, name, metav1.GetOptions{})
}

// Await waits until check has nothing to complain of in the object, which need
// not exist yet. When ctx ends first, the error has the last complaint.
func (l *Lab) Await(ctx context.Context, apiVersion, kind, namespace, name string, check func(*unstructured.Unstructured) error) error {
	for last := error(nil); ; {
		object, err := l.Get(ctx, apiVersion, kind, namespace, name)
		if err == nil {
			err = check(object)
		}
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			last = err // after the end it only says that it is the end
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s %s/%s: %w: %w", kind, namespace, name, ctx.Err(), last)
		case <-time.After(pollEvery):
		}
	}
}

// AwaitHealthy waits until Argo CD says Synced and Healthy of the Application,
// at revision where that is not empty. When ctx ends first, the error has what
// Argo CD says instead.
func (l *Lab) AwaitHealthy(ctx context.Context, namespace, name, revision string) error {
	return l.Await(ctx, "argoproj.io/v1alpha1", "Application", namespace, name, func(app *unstructured.Unstructured) error {
		text := func(path ...string) string {
			s, _, _ := unstructured.NestedString(app.Object, append([]string{"status"}, path...)...)
			return s
		}
		sync, at, health := text("sync", "status"), text("sync", "revision"), text("health", "status")
		if sync == "Synced" && health == "Healthy" && (revision == "" || at == revision) {
			return nil
		}
		said := []string{fmt.Sprintf("it is %q at %q and %q", sync, at, health)}
		for _, more := range []string{text("operationState", "message"), text("health", "message")} {
			if more != "" {
				said = append(said, more)
			}
		}
		conditions, _, _ := unstructured.NestedSlice(app.Object, "status", "conditions")
		for _, c := range conditions {
			if is, ok := c.(map[string]any); ok {
				said = append(said, fmt.Sprint(is["message"]))
			}
		}
		resources, _, _ := unstructured.NestedSlice(app.Object, "status", "resources")
		for _, r := range resources {
			if is, ok := r.(map[string]any); ok {
				said = append(said, fmt.Sprint(is["kind"], " ", is["name"], ": ", is["status"], " ", is["health"]))
			}
		}
		return errors.New(strings.Join(said, "; "))
	})
}

// HTTP asks a Service, through the API server's proxy, for path: the status
// and the body of its answer.
func (l *Lab) HTTP(ctx context.Context, namespace, service, port, path string) (status int, body []byte, err error) {
	client, err := rest.HTTPClientFor(l.Config)
	if err != nil {
		return 0, nil, err
	}
	url := fmt.Sprintf("%s/api/v1/namespaces/%s/services/%s:%s/proxy/%s", l.Config.Host, namespace, service, port, strings.TrimPrefix(path, "/"))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(answer.Body)
	return answer.StatusCode, body, err
}

// installDefinitions installs those that the base chart's objects need.
func (l *Lab) installDefinitions(ctx context.Context) error {
	all, err := crds.Load(ctx)
	if err != nil {
		return err
	}
	return l.cluster.Install(ctx, all)
}
