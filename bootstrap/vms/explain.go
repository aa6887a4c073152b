package vms

import (
	"context"
	"fmt"
	"strings"

	vimfault "github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/pave-platform/pave/internal/fault"
)

// explain says what a fault of vCenter means to whoever has to mend it.
func (r *run) explain(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return interrupted(ctx, err)
	}
	switch {
	case vimfault.Is(err, &types.NoDiskSpace{}), vimfault.Is(err, &types.InsufficientStorageSpace{}):
		return fault.Failedf("%s: datastore %s is full", doing, r.place.datastoreName).Fix("free space on it or name another one in cluster.yaml, and run it again: it goes on where it stopped")
	case vimfault.Is(err, &types.NoPermission{}):
		var denied *types.NoPermission
		vimfault.As(err, &denied)
		return fault.Failedf("%s: the vCenter user lacks the privilege %s", doing, denied.PrivilegeId).Fix("grant it, and run it again")
	case vimfault.Is(err, &types.DuplicateName{}):
		return fault.Failedf("%s: there is one of that name by now", doing).Fix("wait until the other run has ended, and run it again")
	}
	return fault.Failedf("%s: %w", doing, named(err)).Fix("run it again: it goes on where it stopped")
}

// named adds the fault's type where vCenter's text says nothing.
func named(err error) error {
	var kind string
	vimfault.In(err, func(f types.BaseMethodFault, _ string, _ []types.LocalizableMessage) bool {
		kind = strings.TrimPrefix(fmt.Sprintf("%T", f), "*types.")
		return true
	})
	if kind == "" || strings.Contains(err.Error(), kind) {
		return err
	}
	return fmt.Errorf("%w (%s)", err, kind)
}
