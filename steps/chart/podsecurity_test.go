package chart_test

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The rules of the restricted profile, as far as a chart can break them:
// https://kubernetes.io/docs/concepts/security/pod-security-standards/
var allowedVolumes = []string{"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}

func TestEveryPodIsRestricted(t *testing.T) {
	eachVariant(t, func(t *testing.T, file string) {
		pods := 0
		for _, o := range rendering(t, file) {
			for _, path := range [][]string{{"spec", "template", "spec"}, {"spec", "override", "statefulSet", "spec", "template", "spec"}} {
				pod, found, err := unstructured.NestedMap(o.Object, path...)
				if err != nil {
					t.Fatal(err)
				}
				if !found {
					continue
				}
				pods++
				for _, broken := range brokenRules(pod) {
					t.Errorf("%s %s: %s", o.GetKind(), o.GetName(), broken)
				}
			}
		}
		if pods == 0 {
			t.Error("there are no pods")
		}
	})
}

func TestThePodChecksFindWhatIsWrong(t *testing.T) {
	bad := map[string]any{
		"hostNetwork":     true,
		"securityContext": map[string]any{"runAsUser": float64(0)},
		"containers": []any{map[string]any{
			"name": "a", "ports": []any{map[string]any{"hostPort": float64(80)}},
			"securityContext": map[string]any{"privileged": true, "capabilities": map[string]any{"add": []any{"SYS_ADMIN"}}},
		}},
		"volumes": []any{map[string]any{"name": "b", "hostPath": map[string]any{"path": "/"}}},
	}
	if got := brokenRules(bad); len(got) != 10 {
		t.Errorf("found %d: %q", len(got), got)
	}
}

func brokenRules(pod map[string]any) []string {
	var broken []string
	rule := func(holds bool, text string) {
		if !holds {
			broken = append(broken, text)
		}
	}
	for _, host := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		rule(pod[host] == nil, host+" is set")
	}
	context, _ := pod["securityContext"].(map[string]any)
	seccomp, _ := context["seccompProfile"].(map[string]any)
	rule(context["runAsNonRoot"] == true, "runAsNonRoot is not true")
	rule(context["runAsUser"] != nil && context["runAsUser"] != float64(0) && context["runAsUser"] != int64(0), "it runs as root")
	rule(seccomp["type"] == "RuntimeDefault", "there is no seccomp profile")
	volumes, _ := pod["volumes"].([]any)
	for _, v := range volumes {
		for kind := range v.(map[string]any) {
			rule(kind == "name" || slices.Contains(allowedVolumes, kind), "a volume is a "+kind)
		}
	}
	for _, list := range []string{"containers", "initContainers"} {
		containers, _ := pod[list].([]any)
		rule(list != "containers" || len(containers) > 0, "there are no containers")
		for _, c := range containers {
			container := c.(map[string]any)
			own, _ := container["securityContext"].(map[string]any)
			capabilities, _ := own["capabilities"].(map[string]any)
			dropped, _ := capabilities["drop"].([]any)
			ports, _ := container["ports"].([]any)
			rule(own["allowPrivilegeEscalation"] == false, "privileges may escalate")
			rule(own["privileged"] == nil, "a container is privileged")
			rule(slices.Contains(dropped, any("ALL")), "capabilities are kept")
			rule(capabilities["add"] == nil, "capabilities are added")
			rule(container["name"] != "app" || own["readOnlyRootFilesystem"] == true, "the root file system is writable")
			for _, p := range ports {
				rule(p.(map[string]any)["hostPort"] == nil, "a port is the host's")
			}
		}
	}
	return broken
}
