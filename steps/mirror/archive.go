package mirror

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/transfer"
)

// ExportOptions say what goes into an archive for the other side of an air gap.
type ExportOptions struct {
	Common
	Archive    string // file to write
	Have       string // inventory of the other side, what it has is left out; empty: nothing
	FromTarget bool   // read what is mirrored already, with its signatures, instead of upstream
	Scan       Scan   // nil: nothing is scanned; what is mirrored already has passed
	Progress   func(transfer.Progress)
}

// ArchiveResult is what an archive holds, or what became of it.
type ArchiveResult struct {
	Archive   string    `json:"archive"`
	Digest    string    `json:"digest"` // names all it holds: give it to the import by another way
	Size      int64     `json:"size"`
	LeftOut   int       `json:"leftOut,omitempty"` // blobs that the other side must have
	Target    string    `json:"target"`
	DryRun    bool      `json:"dryRun,omitempty"`
	Project   *Project  `json:"project,omitempty"`
	Items     []Outcome `json:"items"`
	Inventory string    `json:"inventory,omitempty"` // file
}

// Export writes everything that the lock approves into one OCI layout. What the
// gate refuses is left out and makes a fault.Gate beside the Result; any other
// error leaves no file.
func Export(ctx context.Context, o ExportOptions) (ArchiveResult, error) {
	w, err := o.open(ctx)
	if err != nil {
		return ArchiveResult{}, err
	}
	defer w.close()
	r := &running{workspace: w, o: RunOptions{Scan: o.Scan}, result: RunResult{Items: []Outcome{}}}
	if err := r.sort(); err != nil {
		return ArchiveResult{}, err
	}
	to := transfer.ExportOptions{Source: w.sources, Path: o.Archive, Referrers: transfer.ReferrersAlways, Progress: o.Progress}
	if o.FromTarget {
		to.Source = w.registry
	}
	if o.Have != "" {
		if to.Have, err = transfer.ReadInventory(o.Have); err != nil {
			return ArchiveResult{}, err
		}
	}
	entries, err := r.exported(ctx, o.FromTarget)
	if err != nil {
		return ArchiveResult{}, err
	}
	if len(entries) == 0 {
		return ArchiveResult{}, fault.Inputf("there is nothing to export: %s approves nothing of %s that passes", w.lockPath, o.List).
			Fix("approve something: pave mirror approve")
	}
	written, err := transfer.Export(ctx, entries, to)
	if err != nil {
		return ArchiveResult{}, err
	}
	for _, e := range written.Entries {
		r.note(Outcome{Ref: e.Name, State: Copied, Digest: e.Digest.String(), Bytes: e.Bytes, Referrers: e.Referrers})
	}
	slices.SortStableFunc(r.result.Items, func(a, b Outcome) int { return compareRefs(a.Ref, b.Ref) })
	return ArchiveResult{
		Archive: o.Archive, Digest: written.Digest.String(), Size: written.Size, LeftOut: written.LeftOut,
		Target: w.target.String(), Items: r.result.Items,
	}, r.verdict()
}

// exported gives what may go into the archive.
func (r *running) exported(ctx context.Context, fromTarget bool) ([]transfer.Entry, error) {
	passed := make([]bool, len(r.entries))
	err := atATime(ctx, r.entries, func(ctx context.Context, i int, c candidate) error {
		if fromTarget {
			passed[i] = true
			return nil
		}
		refused, err := r.gate(ctx, c)
		if passed[i] = len(refused) == 0; !passed[i] {
			r.note(Outcome{Ref: c.approved.Ref(), State: Refused, Refused: refused})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var entries []transfer.Entry
	for i, c := range r.entries {
		if !passed[i] {
			continue
		}
		e := c.transfer
		// The archive has the list's names: the project is that of the import.
		e.Target = r.target.Registry.Repo(strings.Split(string(c.approved.Name), "/")...)
		if fromTarget {
			e.Source, e.Platforms = c.transfer.Target.Digest(c.approved.AtTarget()), nil
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// ImportOptions say where an archive goes.
type ImportOptions struct {
	RunOptions        // Sign, DryRun, Harbor, Progress; nothing is scanned or pruned
	Archive    string // file that an export wrote
	Digest     string // of the export, where it came by another way; empty: not known
	Inventory  string // file to which what the target has now is added; empty: none
}

// Import brings an archive to the target, if the lock here approves everything in
// it, and signs it with the platform's key.
func Import(ctx context.Context, o ImportOptions) (ArchiveResult, error) {
	w, err := o.open(ctx)
	if err != nil {
		return ArchiveResult{}, err
	}
	defer w.close()
	in := transfer.ImportOptions{
		Target: w.registry, Registry: w.target.Registry, Under: w.target.RepositoryStr(), Path: o.Archive, DryRun: true,
	}
	if o.Digest != "" {
		if in.Digest, err = v1.NewHash(o.Digest); err != nil {
			return ArchiveResult{}, fault.Inputf("digest of the archive: %w", err).Fix("take it from the export")
		}
	}
	project, err := w.project(ctx, o.Harbor, o.DryRun)
	if err != nil {
		return ArchiveResult{}, err
	}
	w.log.Info("verifying the archive", "file", o.Archive)
	found, err := transfer.Import(ctx, in)
	if err != nil {
		return ArchiveResult{}, err
	}
	if err := w.approves(o.Archive, found.Entries); err != nil {
		return ArchiveResult{}, err
	}
	if !o.DryRun {
		in.DryRun, in.Progress = false, o.Progress
		if found, err = transfer.Import(ctx, in); err != nil {
			return ArchiveResult{}, err
		}
	}
	result := ArchiveResult{
		Archive: o.Archive, Digest: found.Digest.String(), Size: found.Size, LeftOut: found.LeftOut,
		Target: w.target.String(), DryRun: o.DryRun, Project: project, Items: []Outcome{},
	}
	if err := w.imported(ctx, o, found, &result); err != nil {
		return ArchiveResult{}, err
	}
	slices.SortStableFunc(result.Items, func(a, b Outcome) int { return compareRefs(a.Ref, b.Ref) })
	return result, nil
}

// approves refuses an archive with anything that the lock does not name.
func (w *workspace) approves(archive string, entries []transfer.EntryResult) error {
	var wrong []string
	for _, e := range entries {
		name := strings.TrimPrefix(e.Target, w.target.String()+"/")
		for _, tag := range e.Tags {
			a, approved := w.lock.Find(name, tag)
			switch {
			case !approved:
				wrong = append(wrong, fmt.Sprintf("  %s:%s: nobody approved it here", name, tag))
			case a.AtTarget() != e.Digest.String():
				wrong = append(wrong, fmt.Sprintf("  %s:%s: it is %s, approved is %s", name, tag, short(e.Digest.String()), short(a.AtTarget())))
			}
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.Gatef("%s holds what %s does not approve; bring the lock of the side that exported, or export again\n%s", archive, w.lockPath, strings.Join(wrong, "\n"))
}

// imported signs what has arrived, again where an earlier import was cut off
// before it could, and notes what is there.
func (w *workspace) imported(ctx context.Context, o ImportOptions, found transfer.ArchiveResult, result *ArchiveResult) error {
	states := map[transfer.Status]State{transfer.Present: Present, transfer.Copied: Copied, transfer.WouldCopy: WouldCopy}
	for _, e := range found.Entries {
		name := strings.TrimPrefix(e.Target, w.target.String()+"/")
		signed := false
		if o.Sign != nil && !o.DryRun {
			var err error
			if signed, err = o.Sign(ctx, w.at(name).Digest(e.Digest.String()).String()); err != nil {
				return err
			}
		}
		for _, tag := range e.Tags {
			result.Items = append(result.Items, Outcome{
				Ref: name + ":" + tag, State: states[e.Status], Digest: e.Digest.String(), Bytes: e.Bytes, Referrers: e.Referrers, Signed: signed,
			})
		}
	}
	if o.Inventory == "" || found.Inventory == nil {
		return nil
	}
	result.Inventory = o.Inventory
	known := found.Inventory
	if before, err := transfer.ReadInventory(o.Inventory); err == nil {
		before.Add(found.Inventory)
		known = before
	} else if _, missing := os.Stat(o.Inventory); missing == nil {
		return err
	}
	return known.Write(o.Inventory)
}

// Summary says what the archive holds and what became of it.
func (r ArchiveResult) Summary(w io.Writer) {
	r.Project.summary(w)
	counts := RunResult{Items: r.Items}
	for _, i := range r.Items {
		if i.State != Present {
			fmt.Fprintf(w, "%-10s  %s  %s  %s\n", i.State, i.Ref, orDash(short(i.Digest)), strings.Join(append(i.Refused, i.Why), " "))
		}
	}
	dry := ""
	if r.DryRun {
		dry = ", dry run"
	}
	fmt.Fprintf(w, "%s  %s, %d new, %d as they were%s\n%s\n", r.Archive, words(r.Size), counts.Count(Copied), counts.Count(Present), dry, r.Digest)
	if r.LeftOut > 0 {
		fmt.Fprintf(w, "%d blobs are left out: the other side has them\n", r.LeftOut)
	}
}
