package preview

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/gitops"
)

// ListOptions say whose previews are listed.
type ListOptions struct {
	Of
	Cluster *argocd.Options // where Argo CD runs; nil: what it says is not known
}

// Preview is one pull request's, or what is left of one.
type Preview struct {
	Number      int    `json:"number"`
	Title       string `json:"title"`
	Branch      string `json:"branch"`
	Author      string `json:"author"`
	Head        string `json:"head"`        // commit; of Bitbucket Cloud its first 12 digits
	PullRequest string `json:"pullRequest"` // its page
	Fork        bool   `json:"fork,omitempty"`

	URL         string `json:"url,omitempty"` // where the preview answers
	Application string `json:"application"`   // in Argo CD
	State       State  `json:"state"`
	Commit      string `json:"commit,omitempty"` // that Argo CD deploys, as far as known
	Sync        string `json:"sync,omitempty"`   // as Argo CD says
	Health      string `json:"health,omitempty"`
}

// State is how far a preview is.
type State string

// The states.
const (
	Unknown     State = "unknown"     // no cluster was asked
	Waiting     State = "waiting"     // Argo CD has not made it yet
	Outdated    State = "outdated"    // it is of an earlier commit
	Progressing State = "progressing" // Argo CD is at it, or the application is not healthy
	Ready       State = "ready"       // synced and healthy, at the newest commit
	Leaving     State = "leaving"     // being removed
	Left        State = "left"        // its pull request is not open: pave preview prune removes it
)

// List is an application's previews, by number.
type List struct {
	Previews []Preview `json:"previews"`
}

// Summary writes a line for each.
func (l List) Summary(w io.Writer) {
	if len(l.Previews) == 0 {
		fmt.Fprintln(w, "no previews")
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PULL REQUEST\tSTATE\tCOMMIT\tADDRESS\tBRANCH")
	for _, p := range l.Previews {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\n", p.Number, p.State, gitops.Short(p.Head), p.URL, p.Branch)
	}
	_ = table.Flush()
}

// Run lists the open pull requests that have a preview, and what is left of others.
func Run(ctx context.Context, o ListOptions) (List, error) {
	if err := o.validate(); err != nil {
		return List{}, err
	}
	client, err := forge.New(o.Forge)
	if err != nil {
		return List{}, err
	}
	pulls, err := client.List(ctx)
	if err != nil {
		return List{}, err
	}
	l := List{Previews: []Preview{}}
	for _, p := range pulls {
		if o.has(p) {
			l.Previews = append(l.Previews, o.preview(p))
		}
	}
	if o.Cluster != nil {
		running, err := o.running(ctx, *o.Cluster)
		if err != nil {
			return List{}, err
		}
		l.Previews = together(l.Previews, running)
	}
	slices.SortFunc(l.Previews, func(a, b Preview) int { return a.Number - b.Number })
	return l, nil
}

func (o Of) preview(p forge.PullRequest) Preview {
	return Preview{
		Number: p.Number, Title: printable(p.Title), Branch: printable(p.Branch), Author: printable(p.Author), Head: p.Head,
		PullRequest: p.URL, Fork: p.Fork, URL: o.url(p.Number), Application: o.application(p.Number), State: Unknown,
	}
}

// running gives the previews that Argo CD has, by number.
func (o Of) running(ctx context.Context, at argocd.Options) (map[int]argocd.Labelled, error) {
	client, err := argocd.New(at)
	if err != nil {
		return nil, err
	}
	return o.applications(ctx, client)
}

// applications gives the Applications of previews, by number. One whose name is not
// that of the preview that its labels tell of is somebody else's.
func (o Of) applications(ctx context.Context, client *argocd.Client) (map[int]argocd.Labelled, error) {
	found, err := client.Labelled(ctx, gitops.PreviewLabels(o.Project, o.App))
	if err != nil {
		return nil, err
	}
	all := map[int]argocd.Labelled{}
	for _, a := range found {
		number, err := strconv.Atoi(a.Labels[gitops.LabelPullRequest])
		if err == nil && number > 0 && a.Name == o.application(number) && a.Project == o.Project && a.DestinationNamespace == gitops.PreviewNamespace(o.Project) {
			all[number] = a
		}
	}
	return all, nil
}

// together adds what Argo CD says.
func together(previews []Preview, running map[int]argocd.Labelled) []Preview {
	for i := range previews {
		p := &previews[i]
		a, ok := running[p.Number]
		delete(running, p.Number)
		if !ok {
			p.State = Waiting
			continue
		}
		p.fill(a)
	}
	for number, a := range running {
		p := Preview{Number: number, Application: a.Name, State: Left, URL: a.Annotations[gitops.AnnotationURL]}
		p.fill(a)
		if p.State != Leaving {
			p.State = Left
		}
		previews = append(previews, p)
	}
	return previews
}

func (p *Preview) fill(a argocd.Labelled) {
	p.Sync, p.Health, p.Commit = a.Sync, a.Health, a.Annotations[gitops.AnnotationRevision]
	switch {
	case a.Deleting:
		p.State = Leaving
	case p.Head != "" && !forge.SameCommit(p.Commit, p.Head):
		p.State = Outdated
	case a.At(""):
		p.State = Ready
	default:
		p.State = Progressing
	}
}
