package preview

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/pave-platform/pave/internal/argocd"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/forge"
	"github.com/pave-platform/pave/internal/gitops"
	"github.com/pave-platform/pave/internal/gitrepo"
)

// PruneOptions say what is cleared.
type PruneOptions struct {
	Of
	// Cluster is where Argo CD runs: previews that are left there are removed. Nil: none is
	// looked for.
	Cluster *argocd.Options
	// MaxAge takes the preview from pull requests that nobody has touched for so long, and
	// gives it back when somebody does; 0: from none.
	MaxAge     time.Duration
	Repository gitrepo.Options // the GitOps repository; needed with MaxAge
	Force      bool            // overwrite an ApplicationSet that somebody edited by hand
	DryRun     bool
	Log        *slog.Logger
}

// Pruned is what was cleared.
type Pruned struct {
	Expired []int     `json:"expired"` // open pull requests without a preview from now on
	Removed []Removed `json:"removed"`
	Commit  string    `json:"commit,omitempty"` // in the GitOps repository, if one was made
	Changed bool      `json:"changed"`          // in a dry run: whether anything would change
	DryRun  bool      `json:"dryRun,omitempty"`
}

// Removed is a preview that was left.
type Removed struct {
	Application string `json:"application"`
	Number      int    `json:"number"`
	Reason      string `json:"reason"`
}

// Summary writes a line for each.
func (p Pruned) Summary(w io.Writer) {
	if p.DryRun {
		fmt.Fprintln(w, "dry run: nothing was changed")
	}
	for _, n := range p.Expired {
		fmt.Fprintf(w, "expired  the preview of pull request %d\n", n)
	}
	for _, r := range p.Removed {
		fmt.Fprintf(w, "removed  %s: %s\n", r.Application, r.Reason)
	}
	if len(p.Expired)+len(p.Removed) == 0 {
		fmt.Fprintln(w, "nothing to clear")
	}
}

// Prune takes the preview from pull requests that are too old, and removes from the
// cluster the previews of those that are not open any more. Run again it finds
// nothing to do.
func Prune(ctx context.Context, o PruneOptions) (Pruned, error) {
	if err := o.check(); err != nil {
		return Pruned{}, err
	}
	client, err := forge.New(o.Forge)
	if err != nil {
		return Pruned{}, err
	}
	pulls, err := client.List(ctx)
	if err != nil {
		return Pruned{}, err
	}
	result := Pruned{Expired: []int{}, Removed: []Removed{}, DryRun: o.DryRun}
	if o.MaxAge > 0 {
		if err := o.expire(ctx, pulls, &result); err != nil {
			return Pruned{}, err
		}
	}
	if o.Cluster != nil {
		if err := o.clear(ctx, client, pulls, &result); err != nil {
			return Pruned{}, err
		}
	}
	return result, nil
}

func (o PruneOptions) check() error {
	switch err := o.validate(); {
	case err != nil:
		return err
	case o.MaxAge < 0:
		return fault.Inputf("a greatest age of %s", o.MaxAge).Fix("give --max-age as in 336h")
	case o.MaxAge > 0 && o.Repository.URL == "":
		return fault.Inputf("previews expire in the GitOps repository, which is not given").Fix("give --repository too")
	case o.MaxAge == 0 && o.Cluster == nil:
		return fault.Inputf("there is nothing to clear").Fix("give --kubeconfig-file for what is left in the cluster, or --max-age and --repository")
	}
	return nil
}

// expire writes the pull requests that are too old into the ApplicationSet. Argo CD
// removes their previews then: if pave did, Argo CD would make them again until it
// has read the file.
func (o PruneOptions) expire(ctx context.Context, pulls []forge.PullRequest, r *Pruned) error {
	for _, p := range pulls {
		if o.has(p) && time.Since(p.Updated) > o.MaxAge {
			r.Expired = append(r.Expired, p.Number)
		}
	}
	slices.Sort(r.Expired)
	path := gitops.PreviewPath(o.Project, o.App)
	c := change{
		path: path, force: o.Force, message: message(o.Project, o.App, "expire what is old"),
		next: func(old []byte) ([]byte, error) {
			if old == nil {
				return nil, fault.Inputf("%s has no previews: there is no %s", o.App, path).Fix("enable them first, with pave preview enable")
			}
			next, err := gitops.WithExpired(old, r.Expired)
			if err != nil {
				return nil, fault.Failedf("%s in the repository is damaged: %w", path, err).Fix("enable the previews again with --force")
			}
			return next, nil
		},
	}
	e, err := c.push(ctx, o.Repository, o.DryRun)
	if err != nil {
		return err
	}
	if r.Changed = e.Changed; e.Changed && !o.DryRun {
		r.Commit = e.Commit
	}
	return nil
}

// clear removes the previews that are left in the cluster.
func (o PruneOptions) clear(ctx context.Context, client *forge.Client, pulls []forge.PullRequest, r *Pruned) error {
	cluster, err := argocd.New(*o.Cluster)
	if err != nil {
		return err
	}
	running, err := o.applications(ctx, cluster)
	if err != nil {
		return err
	}
	open := map[int]bool{}
	for _, p := range pulls {
		open[p.Number] = o.has(p)
	}
	for _, number := range slices.Sorted(maps.Keys(running)) {
		a := running[number]
		if open[number] {
			continue
		}
		reason, err := o.reason(ctx, client, number)
		switch {
		case err != nil:
			return err
		case reason == "":
			continue
		}
		r.Removed = append(r.Removed, Removed{a.Name, number, reason})
		r.Changed = true
		if o.DryRun || a.Deleting {
			continue
		}
		if err := cluster.Delete(ctx, a); err != nil {
			return err
		}
		if o.Log != nil {
			o.Log.Info("removed", "application", a.Name, "because", reason)
		}
	}
	return nil
}

// reason says why a preview goes; empty: it stays. A list of pull requests is read
// page by page while others are opened and closed, so it is no proof that one is
// not open: that one is asked for.
func (o PruneOptions) reason(ctx context.Context, client *forge.Client, number int) (string, error) {
	p, err := client.Get(ctx, number)
	switch {
	case err != nil:
		return "", err
	case p.State != forge.Open:
		return fmt.Sprintf("pull request %d is %s", number, p.State), nil
	case !o.has(p):
		return fmt.Sprintf("pull request %d is from branch %s", number, printable(p.Branch)), nil
	}
	return "", nil
}
