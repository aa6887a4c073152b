package argocd

import (
	"cmp"
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Problems gives what keeps an Application from being well, most telling first. It
// looks at what Argo CD says, and at the resources themselves as far as the
// client may read them. An empty parent is not looked at.
//
// What a container wrote to its log is not among it: a log can hold secrets, and
// this is printed and kept by pipelines. The command that shows the log is.
func (c *Client) Problems(ctx context.Context, s State, parent string) []Problem {
	f := &findings{client: c, namespace: s.DestinationNamespace}
	if s.version == "" {
		f.generation(ctx, s.Name, parent)
		return f.sorted()
	}
	f.status(s)
	if !s.Current { // its resources are of another release still
		return f.sorted()
	}
	if !s.OwnCluster() {
		if s.Health != Healthy {
			f.add("Application "+s.Name, Unseen, "its resources are in cluster "+s.Cluster+", where pave does not look",
				"look there with kubectl get events -n "+s.DestinationNamespace)
		}
		return f.sorted()
	}
	for _, r := range s.resources {
		f.resource(ctx, r)
	}
	return f.sorted()
}

// generatorProblems gives what keeps Argo CD from taking up a change of an
// Application that it has.
func (c *Client) generatorProblems(ctx context.Context, name, parent string) []Problem {
	f := &findings{client: c, namespace: c.namespace}
	if p, err := c.State(ctx, parent); err == nil {
		f.generator(p, name)
	} else {
		f.failed(ctx, err)
	}
	return f.sorted()
}

// findings are problems that were found, and what was read on the way.
type findings struct {
	client    *Client
	namespace string
	problems  []Problem
	unseen    bool

	listed map[string][]unstructured.Unstructured // by resource and namespace
}

func (f *findings) add(resource string, reason Reason, text, fix string) {
	p := Problem{Resource: resource, Reason: reason, Text: oneLine(text), Fix: fix}
	alike := func(q Problem) bool { return q.Reason == p.Reason && q.Text == p.Text } // of another replica
	if !slices.ContainsFunc(f.problems, alike) {
		f.problems = append(f.problems, p)
	}
}

// failed notes what may not be read. That something is not there, or that the API
// server is away, is not the application's problem.
func (f *findings) failed(ctx context.Context, err error) {
	if ctx.Err() != nil || f.unseen || !apierrors.IsForbidden(err) {
		return
	}
	f.unseen = true
	f.add("namespace "+f.namespace, Unseen, "its resources may not be read: "+err.Error(), "give the kubeconfig's user the role of docs/deploy.md")
}

// order is that of the reasons: a cause before what follows from it.
var order = []Reason{
	NotAllowed, Refused, NotGenerated, Comparison, SyncFailed, Hook, Quota, Rollout,
	ImagePull, MissingConfig, CrashLoop, Unschedulable, Volume, NotReady, Probe, Unseen,
}

func (f *findings) sorted() []Problem {
	slices.SortStableFunc(f.problems, func(a, b Problem) int {
		return cmp.Compare(slices.Index(order, a.Reason), slices.Index(order, b.Reason))
	})
	return f.problems
}
