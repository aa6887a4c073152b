package argocd_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/pave-platform/pave/hack/lab/crds"
	"github.com/pave-platform/pave/internal/argocd"
)

func (w *world) installRollouts(t *testing.T) {
	t.Helper()
	w.Install(t, crds.All(t, "Argo Rollouts"))
}

var plural = map[string]schema.GroupVersionResource{
	"Deployment":            {Group: "apps", Version: "v1", Resource: "deployments"},
	"StatefulSet":           {Group: "apps", Version: "v1", Resource: "statefulsets"},
	"ReplicaSet":            {Group: "apps", Version: "v1", Resource: "replicasets"},
	"Rollout":               {Group: "argoproj.io", Version: "v1alpha1", Resource: "rollouts"},
	"Pod":                   {Version: "v1", Resource: "pods"},
	"Event":                 {Version: "v1", Resource: "events"},
	"PersistentVolumeClaim": {Version: "v1", Resource: "persistentvolumeclaims"},
	"Job":                   {Group: "batch", Version: "v1", Resource: "jobs"},
	"ExternalSecret":        {Group: "external-secrets.io", Version: "v1", Resource: "externalsecrets"},
	"Certificate":           {Group: "cert-manager.io", Version: "v1", Resource: "certificates"},
}

// make makes objects with the status that controllers and nodes would write. In
// `ownedBy: KIND/NAME` and an Event's `about: KIND/NAME` they name earlier ones.
func (w *world) make(t *testing.T, documents string) {
	t.Helper()
	made := map[string]*unstructured.Unstructured{}
	for document := range strings.SplitSeq(documents, "\n---\n") {
		fields := map[string]any{}
		must(t, yaml.Unmarshal([]byte(document), &fields))
		o := &unstructured.Unstructured{Object: fields}
		if owner, ok := fields["ownedBy"].(string); ok {
			by := made[owner]
			yes := true
			o.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: by.GetAPIVersion(), Kind: by.GetKind(), Name: by.GetName(), UID: by.GetUID(), Controller: &yes}})
		}
		if about, ok := fields["about"].(string); ok {
			on := made[about]
			fields["involvedObject"] = map[string]any{"apiVersion": on.GetAPIVersion(), "kind": on.GetKind(), "name": on.GetName(), "namespace": on.GetNamespace(), "uid": string(on.GetUID())}
		}
		status := fields["status"]
		for _, ours := range []string{"ownedBy", "about", "status"} {
			delete(fields, ours)
		}
		in := w.objects.Resource(plural[o.GetKind()]).Namespace(o.GetNamespace())
		now, err := in.Create(t.Context(), o, metav1.CreateOptions{FieldValidation: "Strict"})
		must(t, err)
		if status != nil {
			now.Object["status"] = status
			now, err = in.UpdateStatus(t.Context(), now, metav1.UpdateOptions{FieldValidation: "Strict"})
			must(t, err)
		}
		made[o.GetKind()+"/"+o.GetName()] = now
	}
}

// deployment is a Deployment in namespace NS with two revisions, of which the old
// one's pod crashes, and a pod of the new one with POD for its spec's and status's
// last part.
const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NS}
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: x}]}}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-old, namespace: NS, annotations: {deployment.kubernetes.io/revision: "9"}}
ownedBy: Deployment/web
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: x}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: web-old-1, namespace: NS}
ownedBy: ReplicaSet/web-old
spec: {containers: [{name: web, image: x}]}
status: {phase: Running, containerStatuses: [{name: web, image: x, imageID: x, ready: false, restartCount: 7, lastState: {terminated: {exitCode: 66, reason: Error}}}]}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-new, namespace: NS, annotations: {deployment.kubernetes.io/revision: "10"}}
ownedBy: Deployment/web
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: x}]}}}
SET
---
apiVersion: v1
kind: Pod
metadata: {name: web-new-1, namespace: NS}
ownedBy: ReplicaSet/web-new
spec: {containers: [{name: web, image: "registry.example.internal/shop/web@sha256:1", resources: {limits: {memory: 64Mi}}}]}
status: {phase: Pending, POD}
EVENT
`

// waiting and ended are container states.
func waiting(reason, message string) string {
	return `containerStatuses: [{name: web, image: x, imageID: x, ready: false, restartCount: 0, state: {waiting: {reason: ` + reason + `, message: '` + message + `'}}}]`
}

func ended(code, reason string) string {
	return `containerStatuses: [{name: web, image: x, imageID: x, ready: false, restartCount: 3, state: {waiting: {reason: CrashLoopBackOff, message: back-off}}, lastState: {terminated: {exitCode: ` + code + `, reason: ` + reason + `, message: "password: canary"}}}]`
}

const running = `containerStatuses: [{name: web, image: x, imageID: x, ready: false, started: true, restartCount: 0, state: {running: {}}}]`

func said(reason, message string) string {
	return "---\napiVersion: v1\nkind: Event\nmetadata: {name: said, namespace: NS}\nabout: Pod/web-new-1\nreason: " + reason + "\nmessage: '" + message + "'\n"
}

// TestProblems are what keeps pods from running, as a kubelet and controllers
// write them.
func TestProblems(t *testing.T) {
	w := start(t)
	w.Install(t, crds.All(t, "Argo Rollouts", "External Secrets", "cert-manager"))
	c, _ := w.client(t, nil)
	pod := func(status string) string {
		return strings.NewReplacer("POD", status, "SET", "", "EVENT", "").Replace(deployment)
	}
	for name, p := range map[string]struct {
		objects string
		kind    string // of the resource of the Application; empty: Deployment
		reason  argocd.Reason
		text    string
		fix     string
	}{
		"an image that is not in the registry": {
			objects: pod(waiting("ImagePullBackOff", `Back-off pulling image "x": ErrImagePull: rpc error: code = NotFound desc = failed to resolve: not found`)),
			reason:  argocd.ImagePull, text: "the registry does not have the image: registry.example.internal/shop/web@sha256:1", fix: "check that the digest was pushed",
		},
		"an image that the node may not have": {
			objects: pod(waiting("ErrImagePull", "failed to authorize: 401 Unauthorized")),
			reason:  argocd.ImagePull, text: "does not let the node have the image: registry", fix: "pull secret",
		},
		"a registry whose certificate is not trusted": {
			objects: pod(waiting("ErrImagePull", "tls: failed to verify certificate: x509: certificate signed by unknown authority")),
			reason:  argocd.ImagePull, text: "the node does not trust the registry", fix: "root CA",
		},
		"a container that ends again and again": {
			objects: pod(ended("3", "Error")),
			reason:  argocd.CrashLoop, text: "container web ends with exit code 3 (Error) again and again", fix: "kubectl logs -n NS web-new-1 -c web --previous",
		},
		"a container that uses too much memory": {
			objects: pod(ended("137", "OOMKilled")),
			reason:  argocd.CrashLoop, text: "killed for using more memory than its limit of 64Mi", fix: "raise resources.limits.memory",
		},
		"a Secret that is not there": {
			objects: pod(waiting("CreateContainerConfigError", `secret "shop-env" not found`)),
			reason:  argocd.MissingConfig, text: "web needs Secret shop-env, which is not there", fix: "ExternalSecret",
		},
		"a key that the ConfigMap lacks": {
			objects: pod(waiting("CreateContainerConfigError", `couldn''t find key HOST in ConfigMap NS/settings`)),
			reason:  argocd.MissingConfig, text: "web needs key HOST of ConfigMap NS/settings", fix: "",
		},
		"a Secret for a volume that is not there": {
			objects: strings.NewReplacer("POD", waiting("ContainerCreating", ""), "SET", "", "EVENT", said("FailedMount", `MountVolume.SetUp failed for volume "v" : secret "tls" not found`)).Replace(deployment),
			reason:  argocd.MissingConfig, text: "a volume needs Secret tls", fix: "",
		},
		"an image that runs as root": {
			objects: pod(waiting("CreateContainerConfigError", "container has runAsNonRoot and image will run as root")),
			reason:  argocd.Refused, text: "would run as root, which the platform refuses", fix: "USER",
		},
		"a program that is not in the image": {
			objects: pod(waiting("RunContainerError", `exec: "/serve": executable file not found in $PATH`)),
			reason:  argocd.CrashLoop, text: "container web cannot be started", fix: "entrypoint",
		},
		"a pod that fits nowhere": {
			objects: pod(`conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, message: "0/3 nodes are available: 3 Insufficient memory."}]`),
			reason:  argocd.Unschedulable, text: "no node takes the pod: 0/3 nodes are available: 3 Insufficient memory.", fix: "ask for less",
		},
		"a pod that waits for its volume": {
			objects: pod(`conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, message: "pod has unbound immediate PersistentVolumeClaims"}]`),
			reason:  argocd.Volume, text: "the pod waits for its volume", fix: "pvc",
		},
		"a probe that fails": {
			objects: strings.NewReplacer("POD", running, "SET", "", "EVENT", said("Unhealthy", `Readiness probe failed: Get "http://10.0.0.1:8080/ready": dial tcp 10.0.0.1:8080: connect: connection refused`)).Replace(deployment),
			reason:  argocd.Probe, text: "the readiness probe fails: Get", fix: "port of the probe",
		},
		"a probe whose command tells secrets": {
			objects: strings.NewReplacer("POD", running, "SET", "", "EVENT", said("Unhealthy", `Liveness probe failed: command timed out: canary`)).Replace(deployment),
			reason:  argocd.Probe, text: "the liveness probe fails: the command fails", fix: "",
		},
		"a quota that is used up": {
			objects: strings.NewReplacer("POD", running, "EVENT", "", "SET", `status: {replicas: 0, conditions: [{type: ReplicaFailure, status: "True", reason: FailedCreate, message: 'pods "web-1" is forbidden: exceeded quota: project, requested: limits.memory=64Mi, used: limits.memory=1Gi, limited: limits.memory=1Gi'}]}`).Replace(deployment),
			reason:  argocd.Quota, text: "the namespace has no more room: quota project, requested: limits.memory=64Mi", fix: "larger quota",
		},
		"a pod security that refuses": {
			objects: strings.NewReplacer("POD", running, "EVENT", "", "SET", `status: {replicas: 0, conditions: [{type: ReplicaFailure, status: "True", reason: FailedCreate, message: 'pods "web-1" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false'}]}`).Replace(deployment),
			reason:  argocd.Refused, text: "pod security (restricted:latest) refuses it: allowPrivilegeEscalation", fix: "securityContext",
		},
		"a stateful set that may not make pods": {
			kind: "StatefulSet", objects: `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web, namespace: NS}
spec: {serviceName: web, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: x}]}}}
---
apiVersion: v1
kind: Event
metadata: {name: said, namespace: NS}
about: StatefulSet/web
reason: FailedCreate
message: 'create Pod web-0 failed: admission webhook "validate.kyverno.svc-fail" denied the request: no labels'
`, reason: argocd.Refused, text: "policy validate.kyverno.svc-fail refuses it: no labels", fix: "exception",
		},
		"a claim that nothing provides": {
			kind: "PersistentVolumeClaim", objects: `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: web, namespace: NS}
spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Event
metadata: {name: said, namespace: NS}
about: PersistentVolumeClaim/web
reason: ProvisioningFailed
message: storageclass.storage.k8s.io "fast" not found
`, reason: argocd.Volume, text: `the claim is not bound: storageclass.storage.k8s.io "fast" not found`, fix: "storage class",
		},
		"an ExternalSecret that is not ready": {
			kind: "ExternalSecret", objects: `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: web, namespace: NS}
spec: {secretStoreRef: {name: vault}, data: [{secretKey: a, remoteRef: {key: b}}]}
status: {conditions: [{type: Ready, status: "False", reason: SecretSyncedError, message: "could not get secret data from provider"}]}
`, reason: argocd.NotReady, text: "it is not ready: could not get secret data from provider", fix: "in Vault",
		},
		"a Certificate that is not ready": {
			kind: "Certificate", objects: `
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: web, namespace: NS}
spec: {secretName: tls, dnsNames: [a.example.internal], issuerRef: {name: platform-ca}}
status: {conditions: [{type: Ready, status: "False", reason: DoesNotExist, message: "Issuing certificate as Secret does not exist"}]}
`, reason: argocd.NotReady, text: "Issuing certificate as Secret does not exist", fix: "issuer",
		},
		"a rollout that was aborted": {
			kind: "Rollout", objects: `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web, namespace: NS}
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: x}]}}, strategy: {canary: {}}}
status: {abort: true, message: "metric error-rate failed"}
`, reason: argocd.Rollout, text: "the rollout was aborted: metric error-rate failed", fix: "last good one",
		},
		"a blue-green that waits for a person": {
			kind: "Rollout", objects: `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web, namespace: NS}
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: x}]}}, strategy: {blueGreen: {activeService: a, autoPromotionEnabled: false}}}
status: {pauseConditions: [{reason: BlueGreenPause, startTime: "2026-03-04T05:06:07Z"}]}
`, reason: argocd.Rollout, text: "waits for a person to go on (BlueGreenPause)", fix: "kubectl argo rollouts promote web",
		},
	} {
		t.Run(name, func(t *testing.T) {
			namespace := w.namespace(t)
			in := func(s string) string { return strings.ReplaceAll(s, "NS", namespace) }
			w.make(t, in(p.objects))
			kind := p.kind
			if kind == "" {
				kind = "Deployment"
			}
			gvr := plural[kind]
			a := release(t, namespace, 1)
			w.deploy(t, a)
			w.say(t, a.Name(), report{sync: "Synced", health: "Progressing", phase: "Succeeded", resources: []map[string]any{
				{"group": gvr.Group, "version": gvr.Version, "kind": kind, "namespace": namespace, "name": "web", "status": "Synced"},
			}})
			s, err := c.State(t.Context(), a.Name())
			must(t, err)
			got := c.Problems(t.Context(), s, "")
			if len(got) != 1 || got[0].Reason != p.reason || !strings.Contains(got[0].Text, in(p.text)) || !strings.Contains(got[0].Fix, in(p.fix)) {
				t.Errorf("got %+v, want %s: %s; %s", got, p.reason, in(p.text), in(p.fix))
			}
			for _, one := range got {
				if strings.Contains(one.String(), "canary") {
					t.Errorf("it shows what a container wrote: %s", one)
				}
			}
		})
	}
}

// namespace makes one for a case, with the account that pods run as.
func (w *world) namespace(t *testing.T) string {
	t.Helper()
	w.cases++
	name := "case-" + string(rune('a'+w.cases/10)) + string(rune('0'+w.cases%10))
	w.Namespace(t, name, nil)
	account := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"name": "default", "namespace": name}}}
	_, err := w.Apply(t.Context(), account)
	must(t, err)
	return name
}
