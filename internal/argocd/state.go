package argocd

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitops"
)

// Sync and health as Argo CD calls them.
const (
	Synced    = "Synced"
	OutOfSync = "OutOfSync"

	Healthy     = "Healthy"
	Progressing = "Progressing"
	Degraded    = "Degraded"
	Suspended   = "Suspended"
	Missing     = "Missing"
)

// ErrMissing is an Application that the cluster does not have.
var ErrMissing = errors.New("the cluster does not have it")

// State is an Application as the cluster has it. Times are the cluster's: compare
// them with [Client.Now], not with the local clock.
type State struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"` // Argo CD's
	Project   string `json:"project"`   // AppProject

	ContentHash string `json:"contentHash,omitempty"` // the seal of its application.yaml, as sha256:…
	Image       string `json:"image,omitempty"`       // pinned by digest
	Revision    string `json:"revision,omitempty"`    // the source's that Argo CD compared with: of a chart, its version

	Sync    string `json:"sync"`    // Synced, OutOfSync, Unknown; empty: not yet known
	Health  string `json:"health"`  // Healthy, Progressing, Degraded, Suspended, Missing, Unknown; empty: not yet known
	Current bool   `json:"current"` // sync and health are of its spec as it is now

	// HealthySince is when this content became Healthy: not before it was last
	// deployed. Zero unless Healthy and current.
	HealthySince time.Time `json:"healthySince,omitzero"`

	Operation  Operation   `json:"operation"`
	Conditions []Condition `json:"conditions,omitempty"`
	Deleting   bool        `json:"deleting,omitempty"`

	Cluster              string `json:"cluster"`              // that its resources are in, as the Application names it
	DestinationNamespace string `json:"destinationNamespace"` // of its resources
	Parent               string `json:"parent,omitempty"`     // the Application that generates it

	version   string // the object's resourceVersion
	set       string // the ApplicationSet that generates it
	resources []resource
	autosync  bool
	pending   bool // it was asked to look, and has not yet
}

// Operation is Argo CD's last or present sync.
type Operation struct {
	Running bool   `json:"running,omitempty"`
	Phase   string `json:"phase,omitempty"` // Running, Succeeded, Failed, Error, Terminating; empty: none yet
	Message string `json:"message,omitempty"`
	Retries int    `json:"retries,omitempty"`
	Current bool   `json:"current,omitempty"` // it was for the spec as it is now

	results []result
}

// Condition is a thing that Argo CD says about an Application.
type Condition struct {
	Type    string `json:"type"` // as in ComparisonError
	Message string `json:"message"`
}

// At tells whether the Application runs the content with that hash, whole and
// well: what a deploy waits for. An empty hash is any content.
func (s State) At(hash string) bool {
	return s.has(hash) && !s.Deleting && s.Current && s.Sync == Synced && !s.Operation.Running && s.Health == Healthy
}

func (s State) has(hash string) bool { return hash == "" || s.ContentHash == hash }

// OwnCluster tells whether its resources are in the cluster that Argo CD is in.
func (s State) OwnCluster() bool {
	return s.Cluster == "https://kubernetes.default.svc" || s.Cluster == "in-cluster"
}

// State gives an Application. One that is not there is an error for which
// errors.Is(err, ErrMissing).
func (c *Client) State(ctx context.Context, name string) (State, error) {
	object, err := c.applications().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return State{}, c.explain(ctx, "read Application "+name, err)
	}
	return parse(object)
}

// Now is the API server's clock, to the second.
func (c *Client) Now(ctx context.Context) (time.Time, error) {
	now, err := c.clock(ctx)
	if err != nil {
		return time.Time{}, c.explain(ctx, "read the clock", err)
	}
	return now, nil
}

// clock asks for a page that every API server has; whatever its answer is, it
// bears a date.
func (c *Client) clock(ctx context.Context) (time.Time, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/version", http.NoBody)
	if err != nil {
		return time.Time{}, err
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return time.Time{}, err
	}
	defer answer.Body.Close()
	now, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return time.Time{}, errors.New("its answer bears no date")
	}
	return now, nil
}

// explain makes an error of the API say what was tried and what to do.
func (c *Client) explain(ctx context.Context, tried string, err error) error {
	var status apierrors.APIStatus
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case missingKind(err):
		return fault.Failedf("%s on %s: Argo CD is not installed there", tried, c.server).Fix("check the kubeconfig's cluster, or install Argo CD")
	case apierrors.IsNotFound(err):
		return fault.Failedf("%s in namespace %s on %s: %w", tried, c.namespace, c.server, ErrMissing).Fix("check that Argo CD follows the GitOps repository, and that its namespace is right")
	case denied(err) != "":
		return fault.Gatef("%s on %s: %s", tried, c.server, denied(err)).Fix("change the application as the policy says, or ask the platform team for an exception")
	case apierrors.IsForbidden(err):
		return fault.Failedf("%s on %s: %w", tried, c.server, err).Fix("give the kubeconfig's user the role of docs/deploy.md")
	case apierrors.IsUnauthorized(err):
		return fault.Failedf("%s on %s: it does not accept the kubeconfig's user", tried, c.server).Fix("give a kubeconfig whose token or certificate is valid")
	case errors.As(err, &status):
		return fault.Failedf("%s on %s: %w", tried, c.server, err)
	}
	return fault.Failedf("%s: %s does not answer: %w", tried, c.server, err).Fix("check the address and the network")
}

// missingKind tells whether the API has no such kind at all.
func missingKind(err error) bool {
	return apierrors.IsNotFound(err) && strings.Contains(err.Error(), "could not find the requested resource")
}

// denied is an admission policy's refusal in plain words; empty for another error.
func denied(err error) string {
	if !errors.As(err, new(apierrors.APIStatus)) {
		return ""
	}
	if reason, plain, _ := explain(err.Error()); reason == Refused {
		return plain
	}
	return ""
}

func parse(object *unstructured.Unstructured) (State, error) {
	raw, err := object.MarshalJSON()
	if err != nil {
		return State{}, err
	}
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return State{}, fault.Failedf("Application %s is not as Argo CD writes them: %w", object.GetName(), err)
	}
	s := State{
		Name: object.GetName(), Namespace: object.GetNamespace(), Project: m.Spec.Project,
		Image: object.GetAnnotations()[gitops.AnnotationImage], ContentHash: object.GetAnnotations()[gitops.AnnotationSeal],
		Revision: m.Status.Sync.Revision, Sync: m.Status.Sync.Status, Health: m.Status.Health.Status,
		Conditions: m.Status.Conditions, Deleting: object.GetDeletionTimestamp() != nil,
		Cluster: m.Spec.Destination.Server, DestinationNamespace: m.Spec.Destination.Namespace,
		version: object.GetResourceVersion(), resources: m.Status.Resources, autosync: m.automated(),
	}
	if s.Cluster == "" {
		s.Cluster = m.Spec.Destination.Name
	}
	_, s.pending = object.GetAnnotations()[annotationRefresh]
	s.Parent, s.set = generators(object)
	s.Current = sameSpec(object)
	s.Operation = m.operation(object)
	if s.Health == Healthy && s.Current {
		s.HealthySince = m.healthySince()
	}
	return s, nil
}
