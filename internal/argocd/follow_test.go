package argocd_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/fault"
)

// TestFollow waits for Applications on a real API server on which the test says
// what Argo CD's controllers would.
func TestFollow(t *testing.T) {
	w := start(t)
	t.Run("it waits for the content, a true comparison, the sync and health, in that order", w.waits)
	t.Run("it is content with an Application that is there already", w.already)
	t.Run("it asks the parent for an Application that is not there, and says why it does not come", w.generated)
	t.Run("it bears Degraded that passes, and ends with Degraded that stays", w.degraded)
	t.Run("a sync that failed ends it, and one that failed before is tried again", w.failedSync)
	t.Run("a policy that refuses is exit 3", w.refused)
	t.Run("what Argo CD said before the content came does not end it", w.before)
	t.Run("the timeout says what is missing", w.timeout)
	t.Run("an API server that goes away and comes back does not matter", w.restart)
	t.Run("a wrong token ends it at once", w.unauthorized)
	t.Run("an interrupt ends it", w.interrupted)
	t.Run("the clock is the server's", w.clock)
	t.Run("health is as old as the release", w.healthySince)
	t.Run("a rollout that waits for a person ends it", w.rollout)
}

func (w *world) waits(t *testing.T) {
	c, heard := w.client(t, nil)
	old, next := release(t, "waits", 1), release(t, "waits", 2)
	w.deploy(t, old)
	w.say(t, old.Name(), report{sync: "Synced", health: "Healthy"})
	f := follow(t, c, want(t, next))
	heard.await(t, "take up the change (it has 000100000000 still)")
	w.deploy(t, next)
	heard.await(t, "waiting for Argo CD to compare the cluster with the change") // the status is the old one's
	if mark := w.get(t, applications, "argocd", next.Name()).GetAnnotations()["argocd.argoproj.io/refresh"]; mark != "normal" {
		t.Errorf("Argo CD is not asked to look: %q", mark)
	}
	w.say(t, next.Name(), report{sync: "OutOfSync", health: "Healthy"})
	heard.await(t, "waiting for Argo CD to sync")
	w.say(t, next.Name(), report{sync: "OutOfSync", health: "Healthy", phase: "Running", message: "waiting for healthy state of apps/Deployment/waits"})
	heard.await(t, "waiting for the sync: waiting for healthy state of apps/Deployment/waits")
	w.say(t, next.Name(), report{sync: "Synced", health: "Healthy", phase: "Running", message: "one more hook"})
	heard.await(t, "one more hook")
	w.say(t, next.Name(), report{sync: "Synced", health: "Progressing", phase: "Succeeded"})
	heard.await(t, "waiting for resources to become Healthy")
	f.still(t)
	w.say(t, next.Name(), report{sync: "Synced", health: "Healthy", phase: "Succeeded"})
	got, err := f.wait(t)
	must(t, err)
	if s := got.State; s.Image != next.Image || s.Sync != "Synced" || s.Health != "Healthy" || s.Revision != "1.2.3" || s.Parent != "apps.shop.staging" || got.Waited <= 0 || len(got.Problems) > 0 {
		t.Errorf("%+v", got)
	}
}

func (w *world) already(t *testing.T) {
	c, _ := w.client(t, nil)
	a := release(t, "already", 1)
	w.deploy(t, a)
	w.say(t, a.Name(), report{sync: "Synced", health: "Healthy"})
	got, err := follow(t, c, want(t, a)).wait(t)
	must(t, err)
	if !got.State.At(want(t, a).ContentHash) {
		t.Errorf("%+v", got.State)
	}
	if _, asked := w.get(t, applications, "argocd", a.Name()).GetAnnotations()["argocd.argoproj.io/refresh"]; asked {
		t.Error("Argo CD is asked to look for nothing")
	}
}

func (w *world) generated(t *testing.T) {
	c, heard := w.client(t, nil)
	a := release(t, "generated", 1)
	f := follow(t, c, want(t, a))
	heard.await(t, "neither it nor Application apps.shop.staging is there")

	set := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": map[string]any{"name": "apps", "namespace": "argocd"},
		"spec": map[string]any{"generators": []any{}, "template": map[string]any{"metadata": map[string]any{}, "spec": map[string]any{"project": "x", "destination": map[string]any{}}}},
	}}
	_, err := w.Apply(t.Context(), set)
	must(t, err)
	heard.await(t, "it has not made Application apps.shop.staging yet")
	must(t, c.RefreshParent(t.Context(), a.Parent()))
	if mark := w.get(t, applicationSets, "argocd", "apps").GetAnnotations()["argocd.argoproj.io/application-set-refresh"]; mark != "true" {
		t.Errorf("the ApplicationSet is not asked: %q", mark)
	}

	parent := release(t, "generated", 1)
	w.deploy(t, parent) // its spec does for one
	o := w.get(t, applications, "argocd", parent.Name())
	must(t, w.objects.Resource(applications).Namespace("argocd").Delete(t.Context(), parent.Name(), metav1.DeleteOptions{}))
	_, err = w.objects.Resource(applications).Namespace("argocd").Patch(t.Context(), parent.Name(), "application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	must(t, err)
	must(t, f.errWhileRunning())
	o.SetName("apps.shop.staging")
	o.SetResourceVersion("")
	o.SetUID("")
	o.SetManagedFields(nil)
	o.SetCreationTimestamp(metav1.Time{})
	_, err = w.Apply(t.Context(), o)
	must(t, err)
	w.say(t, "apps.shop.staging", report{sync: "OutOfSync", health: "Healthy", phase: "Failed", message: "one or more objects failed to apply", results: []map[string]any{{
		"group": "argoproj.io", "version": "v1alpha1", "kind": "Application", "namespace": "argocd", "name": a.Name(), "status": "SyncFailed",
		"message": `Application.argoproj.io "shop-staging-generated" is invalid: spec.project: Required value`,
	}}})
	heard.await(t, "Application argocd/shop-staging-generated: Application.argoproj.io")
	w.deploy(t, a)
	w.say(t, a.Name(), report{sync: "Synced", health: "Healthy"})
	_, err = f.wait(t)
	must(t, err)
}

// errWhileRunning is the error of a Follow that has ended; none while it runs.
func (f *following) errWhileRunning() error {
	select {
	case <-f.done:
		return errors.Join(errors.New("it ended"), f.err)
	default:
		return nil
	}
}

func (w *world) degraded(t *testing.T) {
	c, heard := w.client(t, nil)
	a := release(t, "degraded", 1)
	w.deploy(t, a)
	w.say(t, a.Name(), report{sync: "Synced", health: "Degraded"})
	patient := want(t, a)
	patient.Patience = time.Hour
	f := follow(t, c, patient)
	heard.await(t, "waiting for Degraded resources")
	w.say(t, a.Name(), report{sync: "Synced", health: "Healthy"})
	_, err := f.wait(t)
	must(t, err)

	w.say(t, a.Name(), report{sync: "Synced", health: "Degraded"})
	f = follow(t, c, want(t, a))
	// Argo CD has to look again before its word counts.
	heard.await(t, "waiting for Degraded resources")
	w.answer(t, a.Name(), report{sync: "Synced", health: "Degraded"})
	_, err = f.wait(t)
	failure := failed(t, err, fault.Failed, "Application shop-staging-degraded: it is Degraded")
	if !failure.Final || failure.State.Health != "Degraded" {
		t.Errorf("%+v", failure)
	}
}

// answer says r when somebody has asked.
func (w *world) answer(t *testing.T, name string, r report) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		if _, asked := w.get(t, applications, "argocd", name).GetAnnotations()["argocd.argoproj.io/refresh"]; asked {
			w.say(t, name, r)
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("nobody asked Argo CD to look at %s", name)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// failed gives the Failure in err.
func failed(t *testing.T, err error, kind fault.Kind, parts ...string) *argocd.Failure {
	t.Helper()
	var failure *argocd.Failure
	if !errors.As(err, &failure) || fault.KindOf(err) != kind {
		t.Fatalf("got %v (kind %d)", err, fault.KindOf(err))
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %v", part, err)
		}
	}
	return failure
}

func (w *world) failedSync(t *testing.T) {
	c, heard := w.client(t, nil)
	a, next := release(t, "sync", 1), release(t, "sync", 2)
	broken := report{sync: "OutOfSync", health: "Missing", phase: "Failed", message: "one or more objects failed to apply (retried 5 times).", results: []map[string]any{{
		"group": "", "version": "v1", "kind": "Service", "namespace": "shop-staging", "name": "sync", "status": "SyncFailed",
		"message": `namespaces "shop-staging" not found`,
	}}}
	w.deploy(t, a)
	f := follow(t, c, want(t, a))
	heard.await(t, "compare the cluster")
	retrying := broken
	retrying.phase, retrying.retries = "Running", 2
	w.say(t, a.Name(), retrying)
	heard.await(t, "waiting for the sync, retry 2")
	w.say(t, a.Name(), broken)
	_, err := f.wait(t)
	if failure := failed(t, err, fault.Failed, "the sync failed", "Service shop-staging/sync: there is no namespace shop-staging", "let the platform team make"); !failure.Final {
		t.Errorf("%+v", failure)
	}

	// Argo CD does not try again by itself.
	f = follow(t, c, want(t, a))
	heard.await(t, "waiting for another sync, since the last one failed")
	operation, _, _ := unstructured.NestedMap(w.get(t, applications, "argocd", a.Name()).Object, "operation")
	if by, _, _ := unstructured.NestedString(operation, "initiatedBy", "username"); by != "pave" || operation["sync"] == nil || operation["retry"] == nil {
		t.Errorf("it is not asked for: %v", operation)
	}
	w.say(t, a.Name(), report{sync: "Synced", health: "Healthy", phase: "Succeeded"})
	_, err = f.wait(t)
	must(t, err)

	// That the release before failed is no matter.
	w.say(t, a.Name(), broken)
	w.deploy(t, next)
	f = follow(t, c, want(t, next))
	w.answer(t, next.Name(), report{sync: "Synced", health: "Healthy", phase: "Succeeded"})
	_, err = f.wait(t)
	must(t, err)
}

func (w *world) refused(t *testing.T) {
	c, heard := w.client(t, nil)
	a := release(t, "refused", 1)
	w.deploy(t, a)
	f := follow(t, c, want(t, a))
	heard.await(t, "compare the cluster")
	w.say(t, a.Name(), report{sync: "OutOfSync", health: "Missing", phase: "Failed", message: "one or more objects failed to apply", results: []map[string]any{
		{"group": "", "version": "v1", "kind": "Secret", "namespace": "shop-staging", "name": "s", "status": "SyncFailed", "message": "bad value aGVsbG8="},
		{"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "shop-staging", "name": "refused", "status": "SyncFailed",
			"message": `admission webhook "validate.kyverno.svc" denied the request: only-signed-images: no signature`},
	}})
	got, err := f.wait(t)
	failed(t, err, fault.Gate, "Deployment shop-staging/refused: policy validate.kyverno.svc refuses it: only-signed-images: no signature", "ask the platform team for an exception")
	if len(got.Problems) != 2 || strings.Contains(heard.String()+err.Error()+got.Problems[1].String(), "aGVsbG8") {
		t.Errorf("%+v", got.Problems)
	}
}

func (w *world) before(t *testing.T) {
	c, heard := w.client(t, nil)
	old, next := release(t, "before", 1), release(t, "before", 2)
	w.deploy(t, old)
	w.say(t, old.Name(), report{sync: "Unknown", health: "Degraded", conditions: map[string]string{"ComparisonError": "chart 1.2.3 not found"}})
	w.deploy(t, next)
	f := follow(t, c, want(t, next))
	heard.await(t, "render the chart: chart 1.2.3 not found")
	heard.await(t, "(Application shop-staging-before: chart 1.2.3 not found)") // longer than patience
	f.still(t)
	w.answer(t, next.Name(), report{sync: "Synced", health: "Healthy"})
	_, err := f.wait(t)
	must(t, err)

	w.say(t, next.Name(), report{sync: "Unknown", health: "Unknown", conditions: map[string]string{"ComparisonError": "rpc error: code = Unavailable desc = connection error: dial tcp 10.0.0.1:8081: connection refused"}})
	f = follow(t, c, want(t, next))
	heard.await(t, "connection refused)")
	w.answer(t, next.Name(), report{sync: "Unknown", health: "Unknown", conditions: map[string]string{"ComparisonError": "rpc error: code = Unknown desc = chart 1.2.3 not found"}})
	_, err = f.wait(t)
	failed(t, err, fault.Failed, "Argo CD cannot render it: chart 1.2.3 not found", "push the chart with that version first")
}

func (w *world) timeout(t *testing.T) {
	c, _ := w.client(t, nil)
	a := release(t, "timeout", 1)
	w.deploy(t, a)
	w.say(t, a.Name(), report{sync: "Synced", health: "Progressing", phase: "Succeeded"})
	short := want(t, a)
	short.Timeout = 300 * time.Millisecond
	_, err := follow(t, c, short).wait(t)
	if failure := failed(t, err, fault.Failed, "Application shop-staging-timeout: still waiting for resources to become Healthy after 300ms"); failure.Final {
		t.Errorf("%+v", failure)
	}
}

func (w *world) restart(t *testing.T) {
	away := w.front(t)
	c, heard := w.client(t, away.Config)
	a := release(t, "restart", 1)
	f := follow(t, c, want(t, a))
	heard.await(t, "to make the Application from Git")
	away.leave()
	heard.await(t, "to answer: ")
	w.deploy(t, a)
	w.say(t, a.Name(), report{sync: "Synced", health: "Progressing"})
	away.comeBack(t)
	heard.await(t, "resources to become Healthy")
	away.server.CloseClientConnections() // of the watch alone
	w.say(t, a.Name(), report{sync: "Synced", health: "Healthy"})
	_, err := f.wait(t)
	must(t, err)

	short := want(t, a)
	short.Timeout = 300 * time.Millisecond
	away.leave()
	_, err = follow(t, c, short).wait(t)
	if err == nil || errors.As(err, new(*argocd.Failure)) || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("got %v", err)
	}
}

func (w *world) unauthorized(t *testing.T) {
	config := rest.CopyConfig(w.Config)
	config.BearerToken = "canary-of-a-wrong-token"
	c, _ := w.client(t, config)
	_, err := follow(t, c, want(t, release(t, "unauthorized", 1))).wait(t)
	if err == nil || errors.As(err, new(*argocd.Failure)) || !strings.Contains(err.Error(), "does not accept the kubeconfig's user") || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
}

func (w *world) interrupted(t *testing.T) {
	c, _ := w.client(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Follow(ctx, want(t, release(t, "interrupted", 1))); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func (w *world) clock(t *testing.T) {
	skewed := w.front(t)
	skewed.skew.Store(int64(-5 * time.Hour))
	c, _ := w.client(t, skewed.Config)
	now, err := c.Now(t.Context())
	must(t, err)
	if off := time.Since(now) - 5*time.Hour; off < -time.Minute || off > time.Minute {
		t.Errorf("it is %s there", now)
	}
	a := release(t, "clock", 1)
	w.deploy(t, a)
	w.say(t, a.Name(), report{sync: "Synced", health: "Healthy", since: now.Add(-time.Hour)})
	s, err := c.State(t.Context(), a.Name())
	must(t, err)
	if age := now.Sub(s.HealthySince); age.Round(time.Minute) != time.Hour {
		t.Errorf("Healthy for %s", age)
	}
}

func (w *world) healthySince(t *testing.T) {
	c, _ := w.client(t, nil)
	a := release(t, "since", 1)
	at := func(hour int) time.Time { return time.Date(2026, 3, 4, hour, 0, 0, 0, time.UTC) }
	w.deploy(t, a)
	for name, r := range map[string]struct {
		report
		want time.Time
	}{
		"deployed before it became well":    {report{sync: "Synced", health: "Healthy", since: at(3), deployed: at(2)}, at(3)},
		"deployed while it was well":        {report{sync: "Synced", health: "Healthy", since: at(3), deployed: at(4)}, at(4)},
		"not well":                          {report{sync: "Synced", health: "Progressing", since: at(3)}, time.Time{}},
		"well, but that is of another spec": {report{sync: "Synced", health: "Healthy", since: at(3), stale: true}, time.Time{}},
	} {
		w.say(t, a.Name(), r.report)
		s, err := c.State(t.Context(), a.Name())
		must(t, err)
		if !s.HealthySince.Equal(r.want) {
			t.Errorf("%s: since %s, want %s", name, s.HealthySince, r.want)
		}
	}
	if _, err := c.State(t.Context(), "not-there"); !errors.Is(err, argocd.ErrMissing) {
		t.Errorf("got %v", err)
	}
}

func (w *world) rollout(t *testing.T) {
	w.installRollouts(t)
	c, _ := w.client(t, nil)
	a := release(t, "rollout", 1)
	w.deploy(t, a)
	w.make(t, `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: rollout, namespace: shop-staging}
spec:
  selector: {matchLabels: {app: rollout}}
  strategy: {canary: {steps: [{setWeight: 20}, {pause: {}}]}}
  template: {metadata: {labels: {app: rollout}}, spec: {containers: [{name: rollout, image: x}]}}
status:
  currentStepIndex: 1
  pauseConditions: [{reason: CanaryPauseStep, startTime: "2026-03-04T05:06:07Z"}]
`)
	w.say(t, a.Name(), report{sync: "Synced", health: "Suspended", phase: "Succeeded", resources: []map[string]any{
		{"group": "argoproj.io", "version": "v1alpha1", "kind": "Rollout", "namespace": "shop-staging", "name": "rollout", "status": "Synced"},
	}})
	_, err := follow(t, c, want(t, a)).wait(t)
	failed(t, err, fault.Failed, "Rollout shop-staging/rollout: the rollout waits for a person to go on (CanaryPauseStep)", "kubectl argo rollouts promote rollout -n shop-staging")
}
