package argocd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/hack/lab/kubernetes"
	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/gitops"
	lab "github.com/pave-platform/pave/internal/lab/argocd"
)

// world is a real API server with Argo CD's definitions, in which the test is
// Argo CD: it writes the status that its controllers would.
type world struct {
	*kubernetes.Cluster
	objects dynamic.Interface
	cases   int
}

func start(t *testing.T) *world {
	t.Helper()
	w := startBare(t)
	definitions, err := lab.Definitions(t.Context())
	must(t, err)
	w.Install(t, definitions)
	w.Namespace(t, "argocd", nil)
	w.Namespace(t, "shop-staging", nil)
	return w
}

// startBare is start without Argo CD.
func startBare(t *testing.T) *world {
	t.Helper()
	cluster := kubernetes.Start(t)
	config := rest.CopyConfig(cluster.Config)
	config.WarningHandler = rest.NoWarnings{}
	objects, err := dynamic.NewForConfig(config)
	must(t, err)
	return &world{Cluster: cluster, objects: objects}
}

var (
	applications    = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applications"}
	applicationSets = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applicationsets"}
)

func digest(n int) string { return fmt.Sprintf("sha256:%04d%060d", n, 0) }

// release is release n of an application of project shop in staging.
func release(t *testing.T, app string, n int) gitops.Application {
	t.Helper()
	image := "registry.example.internal/shop/" + app + "@" + digest(n)
	return gitops.Application{
		Target: gitops.Target{Project: "shop", Environment: "staging", App: app},
		Release: gitops.Release{
			Image: image, Chart: gitops.Chart{Repository: "registry.example.internal/shop/charts", Name: "platform-app", Version: "1.2.3"},
			Values: map[string]any{
				"image":    map[string]any{"repository": "registry.example.internal/shop/" + app, "digest": digest(n)},
				"replicas": json.Number("2"), "nothing": nil, "off": false, "empty": map[string]any{}, "big": json.Number("123456789012345678"),
			},
		},
	}
}

func render(t *testing.T, a gitops.Application) []byte {
	t.Helper()
	content, err := a.Render()
	must(t, err)
	return content
}

func want(t *testing.T, a gitops.Application) argocd.Want {
	t.Helper()
	w := argocd.WantOf(a.Target, render(t, a))
	w.Timeout, w.Patience = time.Minute, 200*time.Millisecond
	return w
}

// deploy writes a release into the cluster, as its parent's sync would.
func (w *world) deploy(t *testing.T, a gitops.Application) {
	t.Helper()
	o := &unstructured.Unstructured{}
	raw, err := yaml.YAMLToJSON(render(t, a))
	must(t, err)
	must(t, o.UnmarshalJSON(raw))
	annotations := o.GetAnnotations()
	annotations["argocd.argoproj.io/tracking-id"] = a.Parent() + ":argoproj.io/Application:argocd/" + a.Name()
	o.SetAnnotations(annotations)
	_, err = w.objects.Resource(applications).Namespace("argocd").Apply(t.Context(), o.GetName(), o, metav1.ApplyOptions{FieldManager: "argocd-controller", Force: true})
	must(t, err)
}

// report is the status that Argo CD's controller writes.
type report struct {
	sync, health string
	stale        bool   // it was compared with another spec
	phase        string // of the operation; empty: none
	message      string
	retries      int
	results      []map[string]any
	resources    []map[string]any
	conditions   map[string]string
	since        time.Time // of health
	deployed     time.Time
}

// say writes a report, and as the controller does, takes the mark that asked for
// it away.
func (w *world) say(t *testing.T, name string, r report) {
	t.Helper()
	in := w.objects.Resource(applications).Namespace("argocd")
	now, err := in.Get(t.Context(), name, metav1.GetOptions{})
	must(t, err)
	source, _, _ := unstructured.NestedMap(now.Object, "spec", "source")
	destination, _, _ := unstructured.NestedMap(now.Object, "spec", "destination")
	delete(source["helm"].(map[string]any)["valuesObject"].(map[string]any), "nothing") // as a merge patch does
	if r.stale {
		source["targetRevision"] = "1.2.2"
	}
	if r.since.IsZero() {
		r.since = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	}
	status := map[string]any{
		"sync":      map[string]any{"status": r.sync, "revision": "1.2.3", "comparedTo": map[string]any{"source": source, "destination": destination}},
		"health":    map[string]any{"status": r.health, "lastTransitionTime": r.since.Format(time.RFC3339)},
		"resources": r.resources,
	}
	if !r.deployed.IsZero() {
		status["history"] = []any{map[string]any{"id": 1, "revision": "1.2.3", "deployedAt": r.deployed.Format(time.RFC3339)}}
	}
	if r.phase != "" {
		status["operationState"] = map[string]any{
			"phase": r.phase, "message": r.message, "retryCount": r.retries, "startedAt": "2026-03-04T05:06:07Z",
			"operation":  map[string]any{"sync": map[string]any{"revision": "1.2.3"}},
			"syncResult": map[string]any{"revision": "1.2.3", "source": source, "resources": r.results},
		}
	}
	var said []any
	for kind, text := range r.conditions {
		said = append(said, map[string]any{"type": kind, "message": text})
	}
	status["conditions"] = said
	patch, err := json.Marshal(map[string]any{
		"metadata":  map[string]any{"annotations": map[string]any{"argocd.argoproj.io/refresh": nil}},
		"operation": nil, "status": status,
	})
	must(t, err)
	_, err = in.Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "argocd-application-controller"})
	must(t, err)
}

func (w *world) get(t *testing.T, kind schema.GroupVersionResource, namespace, name string) *unstructured.Unstructured {
	t.Helper()
	o, err := w.objects.Resource(kind).Namespace(namespace).Get(t.Context(), name, metav1.GetOptions{})
	must(t, err)
	return o
}

// client gives one that looks around often, and what it logs.
func (w *world) client(t *testing.T, config *rest.Config) (*argocd.Client, *words) {
	t.Helper()
	heard := &words{more: make(chan struct{}, 1)}
	if config == nil {
		config = w.Config
	}
	c, err := argocd.NewForConfig(config, argocd.Options{Log: slog.New(slog.NewTextHandler(heard, nil))})
	must(t, err)
	c.LookEvery(100 * time.Millisecond)
	return c, heard
}

// words is a log that a test waits with.
type words struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.more <- struct{}{}:
	default:
	}
	return w.text.Write(b)
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// await waits until the client has said text.
func (w *words) await(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for !strings.Contains(w.String(), text) {
		select {
		case <-w.more:
		case <-ctx.Done():
			t.Fatalf("it did not say %q but:\n%s", text, w)
		}
	}
}

// following is a Follow that runs.
type following struct {
	outcome argocd.Outcome
	err     error
	done    chan struct{}
}

func follow(t *testing.T, c *argocd.Client, want argocd.Want) *following {
	t.Helper()
	f := &following{done: make(chan struct{})}
	go func() {
		defer close(f.done)
		f.outcome, f.err = c.Follow(t.Context(), want)
	}()
	return f
}

func (f *following) wait(t *testing.T) (argocd.Outcome, error) {
	t.Helper()
	select {
	case <-f.done:
	case <-time.After(time.Minute):
		t.Fatal("it still follows")
	}
	return f.outcome, f.err
}

func (f *following) still(t *testing.T) {
	t.Helper()
	select {
	case <-f.done:
		t.Fatalf("it ended: %+v, %v", f.outcome, f.err)
	default:
	}
}

// front is a reverse proxy in front of the API server that can be away, and whose
// clock can be wrong.
type front struct {
	*rest.Config
	server *httptest.Server
	proxy  http.Handler
	skew   atomic.Int64
}

func (w *world) front(t *testing.T) *front {
	t.Helper()
	f := &front{}
	transport, err := rest.TransportFor(w.Config)
	must(t, err)
	to, err := url.Parse(w.Config.Host)
	must(t, err)
	proxy := &httputil.ReverseProxy{
		Transport: transport, FlushInterval: -1,
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ModifyResponse: func(r *http.Response) error {
			date, err := http.ParseTime(r.Header.Get("Date"))
			r.Header.Set("Date", date.Add(time.Duration(f.skew.Load())).UTC().Format(http.TimeFormat))
			return err
		},
	}
	f.proxy = proxy
	f.open(t, "127.0.0.1:0")
	t.Cleanup(func() { f.server.Close() })
	f.Config = &rest.Config{Host: f.server.URL, QPS: -1, Proxy: http.ProxyURL(nil)}
	return f
}

func (f *front) open(t *testing.T, address string) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	must(t, err)
	f.server = httptest.NewUnstartedServer(f.proxy)
	must(t, f.server.Listener.Close())
	f.server.Listener = listener
	f.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	f.server.Start()
}

// leave cuts all connections and takes no new ones.
func (f *front) leave() {
	_ = f.server.Listener.Close()
	f.server.CloseClientConnections()
}

// comeBack listens again.
func (f *front) comeBack(t *testing.T) {
	t.Helper()
	f.open(t, f.server.Listener.Addr().String())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
