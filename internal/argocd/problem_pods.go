package argocd

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// pod looks at one of the present release.
func (f *findings) pod(ctx context.Context, object *unstructured.Unstructured) {
	p, err := into[corev1.Pod](object)
	if err != nil || p.DeletionTimestamp != nil {
		return
	}
	name := ref("Pod", p.Namespace, p.Name)
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			f.unscheduled(name, c)
			return
		}
	}
	if p.Status.Phase == corev1.PodFailed && p.Status.Reason != "" {
		f.add(name, CrashLoop, "the pod was ended: "+p.Status.Reason+" "+p.Status.Message, "see kubectl describe pod -n "+p.Namespace+" "+p.Name)
		return
	}
	before, waits := len(f.problems), false
	for _, c := range append(p.Status.InitContainerStatuses, p.Status.ContainerStatuses...) {
		f.container(name, &p, c)
		waits = waits || !c.Ready && c.State.Terminated == nil
	}
	if waits && len(f.problems) == before {
		f.fromEvents(ctx, name, &p)
	}
}

func (f *findings) unscheduled(name string, c corev1.PodCondition) {
	if strings.Contains(c.Message, "persistentvolumeclaim") || strings.Contains(c.Message, "PersistentVolumeClaim") {
		f.add(name, Volume, "the pod waits for its volume: "+c.Message, "check the claim with kubectl get pvc, and the storage behind it")
		return
	}
	f.add(name, Unschedulable, "no node takes the pod: "+c.Message, "ask for less (resources), or let the platform team add a node")
}

// container looks at one container of a pod.
func (f *findings) container(name string, p *corev1.Pod, c corev1.ContainerStatus) {
	if w := c.State.Waiting; w != nil {
		switch w.Reason {
		case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable", "ImageInspectError":
			plain, fix := explainPull(w.Reason + " " + w.Message)
			f.add(name, ImagePull, plain+": "+image(p, c), fix)
			return
		case "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError":
			f.unstartable(name, c.Name, w.Message)
			return
		}
	}
	ended := c.LastTerminationState.Terminated
	if now := c.State.Terminated; now != nil {
		ended = now
	}
	if ended == nil || ended.ExitCode == 0 && c.State.Waiting == nil || c.Ready {
		return
	}
	log := fmt.Sprintf("read kubectl logs -n %s %s -c %s --previous", p.Namespace, p.Name, c.Name)
	switch {
	case ended.Reason == "OOMKilled":
		f.add(name, CrashLoop, fmt.Sprintf("container %s is killed for using more memory than its limit%s", c.Name, memoryLimit(p, c.Name)), "raise resources.limits.memory, or let it use less; "+log)
	case strings.Contains(ended.Message, "executable file not found"), strings.Contains(ended.Message, "no such file or directory"):
		f.add(name, CrashLoop, "container "+c.Name+" has no such program: "+ended.Message, "correct the image's entrypoint, or the command in the values")
	default:
		f.add(name, CrashLoop, fmt.Sprintf("container %s ends with exit code %d (%s) again and again", c.Name, ended.ExitCode, either(ended.Reason, "Error")), log)
	}
}

var (
	absent    = regexp.MustCompile(`(secret|configmap) "([^"]+)" not found`)
	lacksKey  = regexp.MustCompile(`couldn't find key (\S+) in (Secret|ConfigMap) (\S+)`)
	runsAsTop = regexp.MustCompile(`runAsNonRoot|non-numeric user`)
)

// unstartable is about a container that the node cannot make.
func (f *findings) unstartable(name, container, message string) {
	if f.missing(name, container, message) {
		return
	}
	if runsAsTop.MatchString(message) {
		f.add(name, Refused, "container "+container+" would run as root, which the platform refuses: "+message, "set a numeric USER other than 0 in the Dockerfile")
		return
	}
	f.add(name, CrashLoop, "container "+container+" cannot be started: "+message, "correct the image's entrypoint, or the command in the values")
}

// missing is about what a pod refers to and the namespace does not have.
func (f *findings) missing(name, container, message string) bool {
	const fix = "check the ExternalSecret or values that make it, and the secret's path in Vault"
	if m := absent.FindStringSubmatch(message); m != nil {
		f.add(name, MissingConfig, fmt.Sprintf("%s needs %s %s, which is not there", container, kinds[m[1]], m[2]), fix)
		return true
	}
	if m := lacksKey.FindStringSubmatch(message); m != nil {
		f.add(name, MissingConfig, fmt.Sprintf("%s needs key %s of %s %s, which is not in it", container, m[1], m[2], m[3]), fix)
		return true
	}
	return false
}

var kinds = map[string]string{"secret": "Secret", "configmap": "ConfigMap"}

// fromEvents is about a pod of which the state alone does not tell.
func (f *findings) fromEvents(ctx context.Context, name string, p *corev1.Pod) {
	all := f.events(ctx, p.UID, p.Namespace)
	for i := len(all) - 1; i >= 0; i-- {
		e := all[i]
		switch e.reason {
		case "FailedMount", "FailedAttachVolume":
			if !f.missing(name, "a volume", e.message) {
				f.add(name, Volume, "a volume cannot be mounted: "+e.message, "check the claim and the storage behind it")
			}
			return
		case "FailedCreatePodSandBox":
			f.add(name, Unschedulable, "the node cannot make the pod's network: "+e.message, "let the platform team look at the node's network plugin")
			return
		case "Unhealthy":
			f.add(name, Probe, probed(e.message), "check path and port of the probe in the values, and that the application listens on all addresses")
			return
		}
	}
}

// probed is a probe's failure without the answer's body, which is the
// application's own words.
func probed(message string) string {
	kind, rest, found := strings.Cut(message, " probe failed: ")
	if !found {
		return "a probe fails"
	}
	if strings.HasPrefix(rest, "command ") || strings.Contains(rest, "exit code") {
		rest = "the command fails"
	}
	return "the " + strings.ToLower(kind) + " probe fails: " + rest
}

// image is the container's as the pod asks for it.
func image(p *corev1.Pod, c corev1.ContainerStatus) string {
	for _, want := range append(p.Spec.InitContainers, p.Spec.Containers...) {
		if want.Name == c.Name {
			return want.Image
		}
	}
	return c.Image
}

func memoryLimit(p *corev1.Pod, container string) string {
	for _, c := range append(p.Spec.InitContainers, p.Spec.Containers...) {
		if limit := c.Resources.Limits.Memory(); c.Name == container && !limit.IsZero() {
			return " of " + limit.String()
		}
	}
	return ""
}
