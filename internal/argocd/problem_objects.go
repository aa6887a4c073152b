package argocd

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// resource looks at one that the Application manages.
func (f *findings) resource(ctx context.Context, r resource) {
	if !f.concerns(r) {
		return
	}
	object, err := f.client.live(ctx, r)
	if err != nil {
		f.failed(ctx, err)
		return
	}
	switch r.Kind {
	case "Deployment":
		f.replicated(ctx, object, "deployment.kubernetes.io/revision")
	case "Rollout":
		f.rollout(object)
		f.replicated(ctx, object, "rollout.argoproj.io/revision")
	case "StatefulSet", "DaemonSet", "ReplicaSet", "Job":
		f.workload(ctx, object)
	case "PersistentVolumeClaim":
		f.claim(ctx, object)
	default:
		f.ready(object)
	}
}

// concerns tells whether a resource can be the reason of ill health.
func (f *findings) concerns(r resource) bool {
	switch r.Group {
	case "apps", "batch", "argoproj.io":
		return true
	case "":
		return r.Kind == "PersistentVolumeClaim"
	}
	return strings.Contains(r.Group, ".") && !strings.HasSuffix(r.Group, ".k8s.io") // an operator's
}

// replicated looks at a workload that makes a ReplicaSet for each revision: only
// the newest is of the present release.
func (f *findings) replicated(ctx context.Context, object *unstructured.Unstructured, revision string) {
	sets := f.owned(ctx, replicaSets, object)
	if len(sets) == 0 {
		f.workload(ctx, object)
		return
	}
	newest := slices.MaxFunc(sets, func(a, b unstructured.Unstructured) int { return number(a, revision) - number(b, revision) })
	f.workload(ctx, &newest)
}

func number(o unstructured.Unstructured, annotation string) int {
	n, _ := strconv.Atoi(o.GetAnnotations()[annotation])
	return n
}

// workload looks at the pods of one, and at why it cannot make them.
func (f *findings) workload(ctx context.Context, object *unstructured.Unstructured) {
	name := ref(object.GetKind(), object.GetNamespace(), object.GetName())
	for _, c := range conditions(object) {
		switch {
		case c.Type == "ReplicaFailure" && c.Status == "True":
			f.said(name, c.Message)
		case c.Type == "Failed" && c.Status == "True" && object.GetKind() == "Job":
			f.add(name, Hook, "the job failed: "+c.Message, "read kubectl logs -n "+object.GetNamespace()+" job/"+object.GetName())
		}
	}
	found := f.owned(ctx, pods, object)
	for i := range found {
		f.pod(ctx, &found[i])
	}
	if len(found) > 0 {
		return
	}
	for _, e := range f.events(ctx, object.GetUID(), object.GetNamespace()) {
		if e.reason == "FailedCreate" {
			f.said(name, e.message)
		}
	}
}

// rollout looks for a canary that does not go on by itself.
func (f *findings) rollout(object *unstructured.Unstructured) {
	name := ref("Rollout", object.GetNamespace(), object.GetName())
	command := "kubectl argo rollouts promote " + object.GetName() + " -n " + object.GetNamespace()
	if aborted, _, _ := unstructured.NestedBool(object.Object, "status", "abort"); aborted {
		f.add(name, Rollout, "the rollout was aborted: "+either(text(object.Object, "status", "message"), "by a person or an analysis"),
			"look at the analysis, and deploy a better release or the last good one")
		return
	}
	if paused, _, _ := unstructured.NestedBool(object.Object, "spec", "paused"); paused {
		f.add(name, Rollout, "a person paused the rollout", command)
		return
	}
	reasons, _, _ := unstructured.NestedSlice(object.Object, "status", "pauseConditions")
	for _, one := range reasons {
		fields, _ := one.(map[string]any)
		switch reason := text(fields, "reason"); {
		case reason == "CanaryPauseStep" && !forever(object):
		case reason == "BlueGreenPause" && !manual(object):
		default:
			f.add(name, Rollout, "the rollout waits for a person to go on ("+reason+")", command)
		}
	}
}

// forever tells whether the canary's present step is a pause without an end.
func forever(object *unstructured.Unstructured) bool {
	steps, _, _ := unstructured.NestedSlice(object.Object, "spec", "strategy", "canary", "steps")
	at, found, _ := unstructured.NestedInt64(object.Object, "status", "currentStepIndex")
	if !found || at < 0 || at >= int64(len(steps)) {
		return false
	}
	step, _ := steps[at].(map[string]any)
	pause, found, _ := unstructured.NestedMap(step, "pause")
	return found && pause["duration"] == nil
}

// manual tells whether a blue-green rollout never goes on by itself.
func manual(object *unstructured.Unstructured) bool {
	auto, found, _ := unstructured.NestedBool(object.Object, "spec", "strategy", "blueGreen", "autoPromotionEnabled")
	_, after, _ := unstructured.NestedFieldNoCopy(object.Object, "spec", "strategy", "blueGreen", "autoPromotionSeconds")
	return found && !auto && !after
}

// claim looks at a PersistentVolumeClaim that is not bound.
func (f *findings) claim(ctx context.Context, object *unstructured.Unstructured) {
	if text(object.Object, "status", "phase") != "Pending" {
		return
	}
	for _, e := range f.events(ctx, object.GetUID(), object.GetNamespace()) {
		if e.reason == "ProvisioningFailed" || e.reason == "FailedBinding" {
			f.add(ref("PersistentVolumeClaim", object.GetNamespace(), object.GetName()), Volume, "the claim is not bound: "+e.message,
				"check the storage class's name and the storage behind it")
			return
		}
	}
}

// ready looks at an operator's object: that it is not ready is in its conditions.
func (f *findings) ready(object *unstructured.Unstructured) {
	for _, c := range conditions(object) {
		if c.Type != "Ready" || c.Status != "False" {
			continue
		}
		fix := "see kubectl describe " + strings.ToLower(object.GetKind()) + " " + object.GetName() + " -n " + object.GetNamespace()
		switch object.GetKind() {
		case "ExternalSecret":
			fix = "check that the secret is in Vault at the path it names, and that the SecretStore may read it"
		case "Certificate":
			fix = "check its issuer, with kubectl describe certificaterequest -n " + object.GetNamespace()
		}
		f.add(ref(object.GetKind(), object.GetNamespace(), object.GetName()), NotReady, "it is not ready: "+either(c.Message, c.Reason), fix)
	}
}

func either(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
