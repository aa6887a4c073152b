package vms_test

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/pave-platform/pave/bootstrap/vms"
	"github.com/pave-platform/pave/hack/lab/program"
	"github.com/pave-platform/pave/internal/dev/vcenter"
	"github.com/pave-platform/pave/internal/subprocess"
	"github.com/pave-platform/pave/internal/vcentertest"
)

var govcProgram = program.Program{Name: "govc", Module: "govc", Package: "github.com/pave-platform/pave/hack/lab/govc"}

// govc is another reader of the inventory: VMware's own.
type govc struct {
	path string
	env  []string // all that it gets; the credentials are never arguments
}

func newGovc(t testing.TB, l *vcentertest.Lab) govc {
	t.Helper()
	return govc{program.Binary(t, govcProgram), []string{
		"HOME=" + t.TempDir(), "GOVC_PERSIST_SESSION=false",
		"GOVC_URL=https://" + l.Host, "GOVC_TLS_CA_CERTS=" + l.CAFile,
		"GOVC_USERNAME=" + vcentertest.Username, "GOVC_PASSWORD=" + vcentertest.Password,
	}}
}

// says runs govc. What it answers has secrets in it: no failure shows it.
func (g govc) says(t testing.TB, args ...string) string {
	t.Helper()
	cmd := subprocess.Command(t.Context(), g.path, args...)
	cmd.Env = g.env
	out, err := subprocess.Output(cmd)
	must(t, err)
	return out
}

// seen is a machine as govc prints it.
type seen struct {
	Name string `json:"name"`
	Self struct {
		Value string `json:"value"`
	} `json:"self"`
	Config struct {
		Template bool `json:"template"`
		Hardware struct {
			CPU    int   `json:"numCPU"`
			Memory int64 `json:"memoryMB"`
		} `json:"hardware"`
		Extra []struct {
			Key   string `json:"key"`
			Value any    `json:"value"`
		} `json:"extraConfig"`
	} `json:"config"`
	Runtime struct {
		Power string `json:"powerState"`
	} `json:"runtime"`
	Guest struct {
		Address string `json:"ipAddress"`
	} `json:"guest"`
}

func (s seen) extra(key string) string {
	for _, e := range s.Config.Extra {
		if text, ok := e.Value.(string); ok && e.Key == key {
			return text
		}
	}
	return ""
}

// machines are those below a folder, by name.
func (g govc) machines(t testing.TB, folder string) map[string]seen {
	t.Helper()
	paths := strings.Fields(g.says(t, "find", folder, "-type", "m"))
	if len(paths) == 0 {
		t.Fatalf("govc finds no machine in %s", folder)
	}
	var info struct {
		Machines []seen `json:"virtualMachines"`
	}
	must(t, json.Unmarshal([]byte(g.says(t, append([]string{"vm.info", "-json"}, paths...)...)), &info))
	if len(info.Machines) != len(paths) {
		t.Fatalf("govc finds %d machines and tells of %d", len(paths), len(info.Machines))
	}
	byName := map[string]seen{}
	for _, m := range info.Machines {
		byName[m.Name] = m
	}
	return byName
}

func TestGovcSeesWhatTheResultSays(t *testing.T) {
	l := vcentertest.Start(t, vcenter.Options{})
	o := options(t, l, l.ClusterYAML(nodes...))
	done := apply(t, o)
	g := newGovc(t, l)
	folder := path.Join("/", vcenter.Datacenter, "vm", done.Cluster)
	machines := g.machines(t, folder)
	tagged := []string{folder}
	for i, n := range done.Nodes {
		m, spec := machines[n.Name], o.Cluster.Spec.Nodes[i]
		if m.Self.Value != n.VM || m.Guest.Address != n.Address || m.Runtime.Power != "poweredOn" || m.Config.Template {
			t.Errorf("govc: %s is %s, %s at %q, template %v; the result: %s at %s",
				n.Name, m.Self.Value, m.Runtime.Power, m.Guest.Address, m.Config.Template, n.VM, n.Address)
		}
		if m.Config.Hardware.CPU != int(spec.CPU) || m.Config.Hardware.Memory<<20 != spec.Memory.Bytes() {
			t.Errorf("govc: %s has %+v; cluster.yaml: %d CPUs, %s", n.Name, m.Config.Hardware, spec.CPU, spec.Memory)
		}
		if m.extra("guestinfo.talos.config") == "" || m.extra("pave.cluster.id") != done.ID {
			t.Errorf("govc: %s lacks its machine config, or the cluster's id %s", n.Name, done.ID)
		}
		tagged = append(tagged, path.Join(folder, n.Name))
	}
	image := imageOf(t, done)
	if m := machines[image]; !m.Config.Template || m.Runtime.Power != "poweredOff" || m.extra("guestinfo.talos.config") != "" {
		t.Errorf("govc: the image %s is not a template that is off and has no machine config", image)
	}
	if len(machines) != len(done.Nodes)+1 {
		t.Errorf("govc: %d machines, want %d and the image", len(machines), len(done.Nodes))
	}
	want := []string{done.ID, "idp", "pave", "test"}
	slices.Sort(want)
	for _, object := range append(tagged, path.Join(folder, image)) {
		got := strings.Fields(g.says(t, "tags.attached.ls", "-r", object))
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("govc: %s has the tags %v, want %v", object, got, want)
		}
	}

	find := []string{"find", path.Dir(folder), "-type", "f", "-name", done.Cluster}
	if got := g.says(t, find...); got != folder {
		t.Errorf("govc: the folder is %q, want %s", got, folder)
	}
	destroy(t, o)
	if left := g.says(t, find...); left != "" {
		t.Errorf("govc: after destroy there is %s", left)
	}
}

// imageOf gives the name of the image that a run made.
func imageOf(t testing.TB, r *vms.Result) string {
	t.Helper()
	i := slices.IndexFunc(r.Changes, func(c vms.Change) bool { return c.Kind == vms.KindImage })
	if i < 0 {
		t.Fatal("the run made no image")
	}
	return r.Changes[i].Name
}
