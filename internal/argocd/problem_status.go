package argocd

import (
	"context"
	"errors"
	"strings"

	"github.com/pave-platform/pave/internal/gitops"
)

// generation looks for why an Application does not come into being.
func (f *findings) generation(ctx context.Context, name, parent string) {
	if parent == "" {
		return
	}
	p, err := f.client.State(ctx, parent)
	switch {
	case errors.Is(err, ErrMissing):
		f.set(ctx, parent)
		return
	case err != nil:
		f.failed(ctx, err)
		return
	}
	f.generator(p, name)
	if len(f.problems) == 0 && name != "" && p.Sync == Synced {
		f.add("Application "+p.Name, NotGenerated, "it is Synced and does not have "+name,
			"check that it follows the branch that was pushed to, and includes application.yaml")
	}
}

// generator is what Argo CD says of the parent, as far as it concerns the
// Application: that another one in the folder is refused is no refusal of this one.
func (f *findings) generator(p State, name string) {
	f.conditions(p)
	if p.Operation.Phase == "Succeeded" {
		return
	}
	for _, r := range p.Operation.results {
		if r.Name == name {
			f.result(r)
		} else if r.Status == "SyncFailed" {
			_, text, _ := explain(r.Message)
			f.add("Application "+p.Name, NotGenerated, "its sync is held up by "+ref(r.Kind, r.Namespace, r.Name)+": "+text, "correct that one, or take it out of Git")
		}
	}
}

// set looks for why the parent does not come into being.
func (f *findings) set(ctx context.Context, parent string) {
	object, err := f.client.get(ctx, applicationSets, f.client.namespace, gitops.Root)
	switch {
	case errors.Is(err, errNotThere):
		f.add("ApplicationSet "+gitops.Root, NotGenerated, "neither it nor Application "+parent+" is there: nothing follows the GitOps repository",
			"apply it, as pave gitops init says, or deploy with --apply")
		return
	case err != nil:
		f.failed(ctx, err)
		return
	}
	for _, c := range conditions(object) {
		if c.Type == "ErrorOccurred" && c.Status == "True" {
			f.add("ApplicationSet "+gitops.Root, NotGenerated, c.Message, "check its repository's URL and credentials")
			return
		}
	}
	f.add("ApplicationSet "+gitops.Root, NotGenerated, "it has not made Application "+parent+" yet", "check that it follows the branch that was pushed to")
}

// status is what Argo CD says of an Application.
func (f *findings) status(s State) {
	f.conditions(s)
	if !s.Operation.Current || s.Operation.Phase == "Succeeded" {
		return
	}
	before := len(f.problems)
	for _, r := range s.Operation.results {
		f.result(r)
	}
	if len(f.problems) == before && (s.Operation.Phase == "Failed" || s.Operation.Phase == "Error") {
		f.said("Application "+s.Name, s.Operation.Message)
	}
}

func (f *findings) conditions(s State) {
	name := "Application " + s.Name
	for _, c := range s.Conditions {
		switch c.Type {
		case "InvalidSpecError":
			reason, fix := explainSpec(c.Message)
			f.add(name, reason, c.Message, fix)
		case "ComparisonError":
			reason, fix := explainComparison(c.Message)
			f.add(name, reason, plainly(c.Message), fix)
		case "SharedResourceWarning":
			f.add(name, SyncFailed, c.Message, "let one of the applications have the resource")
		}
	}
}

// result is what the sync did to one resource.
func (f *findings) result(r result) {
	name := ref(r.Kind, r.Namespace, r.Name)
	switch {
	case r.HookType != "" && (r.HookPhase == "Failed" || r.HookPhase == "Error"):
		f.add(name, Hook, "the "+r.HookType+" hook failed: "+r.Message,
			"read kubectl logs -n "+r.Namespace+" "+strings.ToLower(r.Kind)+"/"+r.Name)
	case r.Status != "SyncFailed":
	case r.Kind == "Secret":
		// The server's words may quote what the Secret holds.
		f.add(name, SyncFailed, "it cannot be applied", "see why with kubectl describe application in Argo CD's namespace")
	default:
		f.said(name, r.Message)
	}
}

// said adds what a server said about a resource, by what it means.
func (f *findings) said(name, text string) {
	reason, text, fix := explain(text)
	f.add(name, reason, text, fix)
}

// ref names a resource as in Pod shop-staging/web.
func ref(kind, namespace, name string) string {
	if namespace == "" {
		return kind + " " + name
	}
	return kind + " " + namespace + "/" + name
}
