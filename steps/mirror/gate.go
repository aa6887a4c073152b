package mirror

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/steps/mirror/imagelist"
)

// errLock marks what is wrong with the lock, which concerns one item only.
var errLock = errors.New("the lock was edited by hand")

// gate reads what is to be copied and gives what speaks against it, in words. It
// refuses a digest that is not what the lock says of it: nobody looked at that.
func (r *running) gate(ctx context.Context, c candidate) ([]string, error) {
	a := c.approved
	var platforms []string
	if a.Mirrored != "" || len(r.list.PlatformsOf(c.entry)) > 0 {
		for _, p := range a.Platform {
			platforms = append(platforms, string(p))
		}
	}
	found, err := describe(ctx, r.upstream, c.transfer.Source, platforms, a.Kind)
	if missing(err) {
		return nil, fault.Failedf("%s@%s is not upstream any more, nor at the target", a.Source, a.Digest).
			Fix("look with pave mirror plan what is there now")
	}
	if fault.KindOf(err) == fault.Input && err != nil {
		return nil, r.edited(a, oneLine(err))
	}
	if err != nil {
		return nil, explain("read "+c.transfer.Source.String(), c.transfer.Source.Registry, err)
	}
	if err := r.asApproved(found, c); err != nil {
		return nil, err
	}
	if r.o.Scan == nil || found.kind != imagelist.Image {
		return nil, nil
	}
	limits, limited := r.list.LimitsOf(c.entry)
	if !limited {
		limits = nil
	}
	scanned, err := judge{workspace: r.workspace, scan: r.o.Scan}.scanAll(ctx, found, a.Ref(), limits)
	if err != nil || len(scanned.Exceeded) == 0 || excepted(a, scanned) {
		return nil, err
	}
	return scanned.Exceeded, nil
}

// asApproved compares what is behind the digest with what the lock says.
func (r *running) asApproved(found *content, c candidate) error {
	a := c.approved
	mirrored, err := mirroredDigest(found, c.transfer.Platforms)
	if err != nil {
		return err
	}
	var wrong []string
	for _, f := range []struct {
		what      string
		lock, has any
	}{
		{"media type", string(a.Type), string(found.mediaType)},
		{"kind", a.Kind, found.kind},
		{"size", int64(a.Size), found.size()},
		{"digest at the target", a.AtTarget(), mirrored},
	} {
		if f.lock != f.has {
			wrong = append(wrong, fmt.Sprintf("its %s is %v and not %v", f.what, f.has, f.lock))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return r.edited(a, strings.Join(wrong, ", "))
}

func (r *running) edited(a imagelist.Approved, how string) error {
	return fault.Inputf("%s: %w: %s is not what was approved for %s: %s", r.lockPath, errLock, a.Digest, a.Ref(), how).
		Fix("approve it again: pave mirror approve %s", a.Ref())
}

// excepted tells whether the image was approved over the limits, with a reason,
// and has not become worse since.
func excepted(a imagelist.Approved, now Scanned) bool {
	if a.Reason == "" || a.Scan == nil {
		return false
	}
	then := a.Scan.Map()
	for severity, n := range now.Counts {
		if n > then[severity] {
			return false
		}
	}
	return true
}

func refusal(lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	return fault.Gatef("not mirrored, because the gate says no; approve another version, or this one again with --reason\n%s", strings.Join(lines, "\n"))
}
