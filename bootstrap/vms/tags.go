package vms

import (
	"context"
	"slices"

	"github.com/vmware/govmomi/vapi/tags"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/pave-platform/pave/internal/fault"
)

// clusterCategory is that of the tag with the cluster's id.
const clusterCategory = "pave-cluster"

// tag is one by the name of its category.
type tag struct{ category, name, why string }

// wanted are the tags of everything that is made.
func (r *run) wanted() []tag {
	m := r.Cluster.Metadata
	return []tag{
		{"environment", string(m.Environment), "Environment of the platform"},
		{"project", string(m.Project), "Project that pays for it"},
		{"managed_by", "pave", "What made it and will change it"},
		{clusterCategory, r.there.id, "Id of the cluster that it belongs to"},
	}
}

// tagged is everything that carries the tags.
func (r *run) tagged() []types.ManagedObjectReference {
	var refs []types.ManagedObjectReference
	if r.there.folder.Value != "" {
		refs = append(refs, r.there.folder)
	}
	for _, all := range []map[string]machine{r.there.images, r.there.machines} {
		for _, m := range all {
			refs = append(refs, m.ref)
		}
	}
	return refs
}

// planTags counts what lacks a tag, or will.
func (r *run) planTags(ctx context.Context) (int, error) {
	lacking := map[types.ManagedObjectReference]bool{}
	if refs := r.tagged(); len(refs) > 0 {
		missing, err := r.missingTags(ctx, refs)
		if err != nil {
			return 0, interrupted(ctx, fault.Failedf("vSphere tags: %w", err))
		}
		for _, m := range missing {
			for _, ref := range m.lack {
				lacking[ref] = true
			}
		}
	}
	return len(lacking) + len(slices.DeleteFunc(slices.Clone(r.result.Changes), func(c Change) bool { return c.Action != Create })), nil
}

// missing is a tag, and what lacks it.
type missing struct {
	tag
	id   string // empty: there is no such tag yet
	lack []types.ManagedObjectReference
}

// missingTags finds which of the objects lack which tag.
func (r *run) missingTags(ctx context.Context, refs []types.ManagedObjectReference) ([]missing, error) {
	m := tags.NewManager(r.vc.api)
	categories, err := m.GetCategories(ctx)
	if err != nil {
		return nil, err
	}
	objects := make([]mo.Reference, len(refs))
	for i, ref := range refs {
		objects[i] = ref
	}
	attached, err := m.ListAttachedTagsOnObjects(ctx, objects)
	if err != nil {
		return nil, err
	}
	has := map[string][]types.ManagedObjectReference{}
	for _, a := range attached {
		for _, id := range a.TagIDs {
			has[id] = append(has[id], a.ObjectID.Reference())
		}
	}
	var all []missing
	for _, want := range r.wanted() {
		id, err := find(ctx, m, categories, want)
		if err != nil {
			return nil, err
		}
		lack := slices.DeleteFunc(slices.Clone(refs), func(ref types.ManagedObjectReference) bool { return id != "" && slices.Contains(has[id], ref) })
		if len(lack) > 0 {
			all = append(all, missing{want, id, lack})
		}
	}
	return all, nil
}

// find gives the id of a tag, or nothing.
func find(ctx context.Context, m *tags.Manager, categories []tags.Category, want tag) (string, error) {
	i := slices.IndexFunc(categories, func(c tags.Category) bool { return c.Name == want.category })
	if i < 0 {
		return "", nil
	}
	there, err := m.GetTagsForCategory(ctx, categories[i].ID)
	if err != nil {
		return "", err
	}
	if i := slices.IndexFunc(there, func(t tags.Tag) bool { return t.Name == want.name }); i >= 0 {
		return there[i].ID, nil
	}
	return "", nil
}

// ensureTags makes the tags and attaches them to what lacks them.
func (r *run) ensureTags(ctx context.Context) error {
	all, err := r.missingTags(ctx, r.tagged())
	for _, want := range all {
		if err == nil {
			err = attach(ctx, tags.NewManager(r.vc.api), want)
		}
	}
	if err != nil {
		return interrupted(ctx, fault.Failedf("vSphere tags: %w", err).
			Fix("give this user the privileges of vSphere Tagging, and the categories environment, project, managed_by and %s the types VirtualMachine and Folder", clusterCategory))
	}
	return nil
}

func attach(ctx context.Context, m *tags.Manager, want missing) error {
	if want.id == "" {
		id, err := create(ctx, m, want.tag)
		if err != nil {
			return err
		}
		want.id = id
	}
	objects := make([]mo.Reference, len(want.lack))
	for i, ref := range want.lack {
		objects[i] = ref
	}
	return m.AttachTagToMultipleObjects(ctx, want.id, objects)
}

// create makes a tag, and its category where there is none.
func create(ctx context.Context, m *tags.Manager, want tag) (string, error) {
	categories, err := m.GetCategories(ctx)
	if err != nil {
		return "", err
	}
	var category string
	if i := slices.IndexFunc(categories, func(c tags.Category) bool { return c.Name == want.category }); i >= 0 {
		category = categories[i].ID
	} else {
		category, err = m.CreateCategory(ctx, &tags.Category{
			Name: want.category, Description: want.why, Cardinality: "SINGLE", AssociableTypes: []string{"VirtualMachine", "Folder"},
		})
		if err != nil {
			return "", err
		}
	}
	return m.CreateTag(ctx, &tags.Tag{Name: want.name, Description: want.why, CategoryID: category})
}
