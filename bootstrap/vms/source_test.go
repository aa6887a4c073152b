package vms_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vmware/govmomi/object"

	"github.com/pave-platform/pave/internal/dev/vcenter"
	"github.com/pave-platform/pave/internal/vcentertest"
)

func TestAnImageComesFromAnAddressOrATemplate(t *testing.T) {
	l := vcentertest.Start(t, vcenter.Options{})
	server := httptest.NewServer(http.FileServer(http.Dir(l.Dir)))
	t.Cleanup(server.Close)
	yaml := l.ClusterYAML(nodes...)
	o := options(t, l, strings.Replace(yaml, "{file: talos.ova", "{url: '"+server.URL+"/talos.ova'", 1))
	apply(t, o)
	open(t, o)

	for name, m := range l.Machines(t) { // the image of one cluster is the template of another
		if m.Config.Template {
			task, err := object.NewVirtualMachine(l.Client(t).Client, m.Self).Rename(t.Context(), "talos")
			must(t, err)
			must(t, task.Wait(t.Context()))
			t.Log(name, "is now talos")
		}
	}
	second := strings.NewReplacer("name: lab,", "name: other,", "name: lab-", "name: other-", "{file: talos.ova, sha256: "+l.OVASum+"}", "{template: talos}").Replace(yaml)
	o = options(t, l, second)
	o.Artefact += ".other"
	apply(t, o)
	if again := apply(t, o); again.Changed() {
		t.Errorf("the second run did %s", actions(again))
	}
}
