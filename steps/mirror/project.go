package mirror

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pave-platform/pave/internal/harbor"
)

// Project is the target's project at a Harbor.
type Project struct {
	Name    string   `json:"name"`
	Created bool     `json:"created,omitempty"` // in this run, or it would be
	Hints   []string `json:"hints,omitempty"`   // what its rules mean for a mirror
}

func (p *Project) summary(w io.Writer) {
	if p == nil {
		return
	}
	if p.Created {
		fmt.Fprintf(w, "project %s: made\n", p.Name)
	}
	for _, h := range p.Hints {
		fmt.Fprintf(w, "project %s: %s\n", p.Name, h)
	}
}

// project makes sure that the target's project is there, and looks at its rules.
// It is nil where the target is no Harbor.
func (w *workspace) project(ctx context.Context, o *harbor.Options, dryRun bool) (*Project, error) {
	if o == nil {
		return nil, nil
	}
	c, err := w.harbor(*o)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	name, _, _ := strings.Cut(w.target.RepositoryStr(), "/")
	p := &Project{Name: name}
	found, there, err := c.Project(ctx, name)
	if err != nil {
		return nil, err
	}
	if !there {
		p.Created = true
		if dryRun {
			return p, nil
		}
		// Everybody in the platform pulls from here, and nobody pays for storage twice.
		if _, err := c.CreateProject(ctx, harbor.NewProject{Name: name, Metadata: harbor.ProjectMetadata{Public: "true"}, StorageLimit: -1}); err != nil {
			return nil, err
		}
		w.log.Info("made the project", "registry", w.target.RegistryStr(), "project", name)
		if found, there, err = c.Project(ctx, name); err != nil || !there {
			return p, err
		}
	}
	return p, w.hints(ctx, c, found, p)
}

// harbor speaks to the Harbor that the target's registry is part of, where the
// options do not give another address.
func (w *workspace) harbor(o harbor.Options) (*harbor.Client, error) {
	if o.URL == "" {
		o.URL = "https://" + w.target.RegistryStr()
	}
	return harbor.New(o)
}

func (w *workspace) hints(ctx context.Context, c *harbor.Client, found harbor.Project, p *Project) error {
	rules, err := c.ImmutableRules(ctx, found.Name)
	if err != nil {
		return err
	}
	switch rules = slices.DeleteFunc(rules, func(r harbor.ImmutableRule) bool { return r.Disabled }); {
	case len(rules) == 0:
		p.Hints = append(p.Hints, "no rule makes tags immutable: whoever may push here can move a tag away from what was approved")
	default:
		p.Hints = append(p.Hints, fmt.Sprintf("%d rule(s) make tags immutable: a tag that is approved anew with other content, and one that is pruned, will be refused", len(rules)))
	}
	retention, err := c.Retention(ctx, found)
	if err != nil {
		return err
	}
	if retention == nil || retention.Trigger.Settings["cron"] == "" {
		return nil
	}
	always := slices.ContainsFunc(retention.Rules, func(r harbor.RetentionRule) bool { return !r.Disabled && r.Template == "always" })
	if !always {
		p.Hints = append(p.Hints, "the retention policy removes what no rule retains: a mirrored tag that is old or seldom pulled can disappear, and comes back with the next run")
	}
	return nil
}
