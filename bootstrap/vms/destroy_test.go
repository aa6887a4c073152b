package vms_test

import (
	"strings"
	"testing"

	"github.com/vmware/govmomi/find"

	"github.com/pave-platform/pave/bootstrap/vms"
	"github.com/pave-platform/pave/internal/dev/vcenter"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/vcentertest"
)

func TestDestroyNeedsTheNameAndTakesOnlyWhatIsTheClusters(t *testing.T) {
	l := vcentertest.Start(t, vcenter.Options{})
	o := options(t, l, l.ClusterYAML(nodes...))
	apply(t, o)
	l.Foreign(t, "somebodys", "lab")
	for _, typed := range []string{"", "Lab", "lab "} {
		if _, err := vms.Destroy(t.Context(), vms.DestroyOptions{Options: o, Confirm: typed}); fault.KindOf(err) != fault.Input || err == nil {
			t.Errorf("typed %q: %v", typed, err)
		}
	}
	would, err := vms.Destroy(t.Context(), vms.DestroyOptions{Options: o, DryRun: true})
	must(t, err)
	if n := len(l.Machines(t)); n != 5 {
		t.Fatalf("a dry run left %d machines", n)
	}
	did := destroy(t, o)
	if actions(would) != actions(did) {
		t.Errorf("would %s, did %s", actions(would), actions(did))
	}
	if left := l.Machines(t); len(left) != 1 || left["somebodys"].Name == "" {
		t.Errorf("left %v", left)
	}
	if again := destroy(t, o); again.Changed() && actions(again) != "remove folder lab" {
		t.Errorf("the second run did %s", actions(again))
	}
}

func TestDestroyLeavesNothing(t *testing.T) {
	l := vcentertest.Start(t, vcenter.Options{})
	o := options(t, l, l.ClusterYAML(nodes...))
	apply(t, o)
	destroy(t, o)
	if left := l.Machines(t); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	if folders, _ := find.NewFinder(l.Client(t).Client).FolderList(t.Context(), "/DC0/vm/lab"); len(folders) != 0 {
		t.Errorf("the folder is left: %v", folders)
	}
	again := destroy(t, o)
	if again.Changed() {
		t.Errorf("the second run did %s", actions(again))
	}
	var said strings.Builder
	again.Summary(&said)
	if said.String() != "nothing of cluster lab is there\n" {
		t.Errorf("the second run says %s", said.String())
	}
	apply(t, o)
}
