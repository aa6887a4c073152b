package vms

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vapi/tags"
	"github.com/vmware/govmomi/vim25/mo"

	"github.com/pave-platform/pave/internal/fault"
)

// Destroy removes the cluster: its machines, its image, its folder if nothing
// else is in it, and its tag. Only what carries the cluster's id is removed. The
// artefact stays: it has the secrets that the same cluster can be made with again.
func Destroy(ctx context.Context, o DestroyOptions) (*Result, error) {
	name := string(o.Cluster.Metadata.Name)
	if o.Confirm != name && !o.DryRun {
		return nil, fault.Inputf("the cluster's name was not typed").Fix("give --confirm %s to remove cluster %s and everything on it", name, name)
	}
	o.Options = o.withDefaults()
	vc, err := connect(ctx, o.Options)
	if err != nil {
		return nil, err
	}
	defer vc.close(ctx)
	r := &run{Options: o.Options, vc: vc, result: &Result{Cluster: name, DryRun: o.DryRun, ArtefactPath: o.Artefact, Changes: []Change{}, Nodes: []Node{}, removal: true}}
	if r.place, err = resolve(ctx, vc, o.Cluster); err != nil {
		return nil, err
	}
	if r.there, err = vc.discoverOwn(ctx, r.place, o.Cluster); err != nil {
		return nil, interrupted(ctx, err)
	}
	r.result.ID = r.there.id
	if err := r.planRemoval(ctx); err != nil || o.DryRun {
		return r.result, err
	}
	return r.result, r.removeAll(ctx)
}

// planRemoval writes down what goes, in the order in which it goes.
func (r *run) planRemoval(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(r.there.machines)) {
		r.change(Remove, KindMachine, name, "")
	}
	for _, name := range slices.Sorted(maps.Keys(r.there.images)) {
		r.change(Remove, KindImage, name, "")
	}
	if r.there.folder.Value == "" {
		return nil
	}
	ours, err := r.folderIsOurs(ctx)
	if err != nil {
		return err
	}
	if ours {
		r.change(Remove, KindFolder, r.result.Cluster, "if nothing else is in it")
	}
	return nil
}

// removeAll removes the machines at once, then what they were made of: as long as
// the image is there, a run that was killed knows whose the rest is.
func (r *run) removeAll(ctx context.Context) error {
	for _, all := range []map[string]machine{r.there.machines, r.there.images} {
		errs := make([]error, len(all))
		var busy sync.WaitGroup
		for i, m := range slices.Collect(maps.Values(all)) {
			busy.Go(func() {
				r.Log.Info("removing", "name", m.name)
				errs[i] = r.remove(ctx, m)
			})
		}
		busy.Wait()
		if err := errors.Join(errs...); err != nil {
			return interrupted(ctx, err)
		}
	}
	if slices.ContainsFunc(r.result.Changes, func(c Change) bool { return c.Kind == KindFolder }) {
		if err := r.removeFolder(ctx); err != nil {
			return err
		}
	}
	return r.removeTag(ctx)
}

// removeFolder removes the folder if it is empty: vCenter would remove what is in
// it too.
func (r *run) removeFolder(ctx context.Context) error {
	var f mo.Folder
	if err := r.vc.one(ctx, r.there.folder, &f, "childEntity"); err != nil {
		return r.explain(ctx, "folder "+r.result.Cluster, err)
	}
	if n := len(f.ChildEntity); n > 0 {
		r.Log.Warn("the folder stays: it has things in it that are not the cluster's", "folder", r.result.Cluster, "things", n)
		return nil
	}
	task, err := object.NewFolder(r.vc.Client, r.there.folder).Destroy(ctx)
	if err == nil {
		_, err = r.vc.wait(ctx, task)
	}
	return r.explain(ctx, "removing folder "+r.result.Cluster, err)
}

// folderIsOurs tells whether the folder carries the tag of a cluster that nothing
// but it is left of, or of the one that is removed.
func (r *run) folderIsOurs(ctx context.Context) (bool, error) {
	m := tags.NewManager(r.vc.api)
	attached, err := m.GetAttachedTags(ctx, r.there.folder)
	if err != nil {
		return false, interrupted(ctx, fault.Failedf("vSphere tags: %w", err))
	}
	ours := false
	for _, t := range attached {
		category, err := m.GetCategory(ctx, t.CategoryID)
		if err != nil {
			return false, interrupted(ctx, fault.Failedf("vSphere tags: %w", err))
		}
		if category.Name == clusterCategory && (r.there.id == "" || t.Name == r.there.id) {
			ours, r.there.id = true, t.Name
		}
	}
	r.result.ID = r.there.id
	return ours, nil
}

// removeTag removes the tag with the cluster's id.
func (r *run) removeTag(ctx context.Context) error {
	if r.there.id == "" {
		return nil
	}
	if err := deleteTag(ctx, tags.NewManager(r.vc.api), r.there.id); err != nil {
		return interrupted(ctx, fault.Failedf("vSphere tags: %w", err).Fix("run it again"))
	}
	return nil
}

func deleteTag(ctx context.Context, m *tags.Manager, cluster string) error {
	categories, err := m.GetCategories(ctx)
	if err != nil {
		return err
	}
	id, err := find(ctx, m, categories, tag{category: clusterCategory, name: cluster})
	if err != nil || id == "" {
		return err
	}
	return m.DeleteTag(ctx, &tags.Tag{ID: id})
}
