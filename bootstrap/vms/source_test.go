package vms_test

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vapi/library"
	"github.com/vmware/govmomi/vapi/rest"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vmdk"

	"github.com/pave-platform/pave/bootstrap/vms"
	"github.com/pave-platform/pave/internal/dev/vcenter"
	"github.com/pave-platform/pave/internal/fault"
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

// ovfFiles are the parts of the OVA, with a disk in the form that a content library
// insists on.
func ovfFiles(t testing.TB, l *vcentertest.Lab) map[string][]byte {
	t.Helper()
	ova, err := os.Open(filepath.Join(l.Dir, "talos.ova"))
	must(t, err)
	defer ova.Close()
	archive := tar.NewReader(ova)
	first, err := archive.Next()
	must(t, err)
	descriptor, err := io.ReadAll(archive)
	must(t, err)
	const size = 1 << 20
	path := filepath.Join(t.TempDir(), strings.TrimSuffix(first.Name, ".ovf")+".vmdk")
	w, err := vmdk.NewStreamOptimizedWriter(path, size)
	must(t, err)
	must(t, w.Write(bytes.NewReader(make([]byte, size))))
	must(t, w.Close())
	disk, err := os.ReadFile(path)
	must(t, err)
	return map[string][]byte{first.Name: descriptor, filepath.Base(path): disk}
}

// upload puts the OVA into a new content library, as an item.
func upload(t testing.TB, l *vcentertest.Lab, name, item string) {
	t.Helper()
	c := l.Client(t)
	api := rest.NewClient(c.Client)
	must(t, api.Login(t.Context(), url.UserPassword(vcentertest.Username, vcentertest.Password)))
	store, err := find.NewFinder(c.Client).Datastore(t.Context(), "/"+vcenter.Datacenter+"/datastore/"+vcenter.Datastore)
	must(t, err)
	m := library.NewManager(api)
	in, err := m.CreateLibrary(t.Context(), library.Library{
		Name: name, Type: "LOCAL", Storage: []library.StorageBacking{{DatastoreID: store.Reference().Value, Type: "DATASTORE"}},
	})
	must(t, err)
	id, err := m.CreateLibraryItem(t.Context(), library.Item{Name: item, Type: library.ItemTypeOVF, LibraryID: in})
	must(t, err)
	session, err := m.CreateLibraryItemUpdateSession(t.Context(), library.Session{LibraryItemID: id})
	must(t, err)
	for name, content := range ovfFiles(t, l) {
		file, err := m.AddLibraryItemFile(t.Context(), session, library.UpdateFile{Name: name, SourceType: "PUSH", Size: int64(len(content))})
		must(t, err)
		to, err := url.Parse(file.UploadEndpoint.URI)
		must(t, err)
		put := soap.DefaultUpload
		put.ContentLength = int64(len(content))
		must(t, api.Upload(t.Context(), bytes.NewReader(content), to, &put))
	}
	must(t, m.CompleteLibraryItemUpdateSession(t.Context(), session))
}

func libraryYAML(l *vcentertest.Lab) string {
	return strings.Replace(l.ClusterYAML(nodes...), "{file: talos.ova, sha256: "+l.OVASum+"}", "{library: {name: images, item: talos}}", 1)
}

func TestAnImageComesFromAContentLibrary(t *testing.T) {
	l := vcentertest.Start(t, vcenter.Options{})
	yaml := libraryYAML(l)
	o := options(t, l, yaml)
	wantsInput(t, o, `there is no content library "images"`)
	upload(t, l, "images", "talos")
	o.Cluster = parse(t, l, strings.Replace(yaml, "item: talos", "item: talso", 1))
	wantsInput(t, o, `the content library "images" has no item "talso"`)
	if _, err := vms.Plan(t.Context(), o); fault.KindOf(err) != fault.Input {
		t.Errorf("the plan of it: %v", err)
	}
	if n := len(l.Machines(t)); n != 0 {
		t.Errorf("%d machines were made of nothing", n)
	}

	o.Cluster = parse(t, l, yaml)
	done := apply(t, o)
	open(t, o)
	machines := l.Machines(t)
	for _, n := range o.Cluster.Spec.Nodes {
		check(t, l, machines[string(n.Name)], n)
	}
	image := machines[imageOf(t, done)]
	if extra := vcentertest.Extra(image); !image.Config.Template || extra["pave.cluster.id"] != done.ID || extra["pave.image"] != "library item images/talos" {
		t.Errorf("the image is %v", extra)
	}
	if again := apply(t, o); again.Changed() {
		t.Errorf("the second run did %s", actions(again))
	}
}

func TestARunThatIsKilledWhileVCenterDeploysAnItemIsRunAgain(t *testing.T) {
	for name, reaches := range map[string]bool{"vCenter goes on": true, "vCenter never hears of it": false} {
		t.Run(name, func(t *testing.T) {
			ctx, kill := context.WithCancel(t.Context())
			defer kill()
			l := vcentertest.Start(t, vcenter.Options{Wrap: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if ctx.Err() != nil || !strings.Contains(r.URL.Path, "/vcenter/ovf/library-item/") {
						next.ServeHTTP(w, r)
						return
					}
					if reaches {
						next.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
					}
					kill() // before the run has the answer
				})
			}})
			upload(t, l, "images", "talos")
			o := options(t, l, libraryYAML(l))
			if _, err := vms.Apply(ctx, o); err == nil || ctx.Err() == nil {
				t.Fatalf("the run was not killed: %v", err)
			}
			if half := halfMade(l.Machines(t)); (half != "") != reaches {
				t.Fatalf("the half-made image is %q", half)
			}
			apply(t, o)
			if half := halfMade(l.Machines(t)); half != "" {
				t.Errorf("%s is still half-made", half)
			}
			if again := apply(t, o); again.Changed() {
				t.Errorf("the run after that did %s", actions(again))
			}
		})
	}
}

// halfMade gives an image that is not a template yet.
func halfMade(machines map[string]mo.VirtualMachine) string {
	for name, m := range machines {
		if strings.HasPrefix(name, "lab-image-") && !m.Config.Template {
			return name
		}
	}
	return ""
}
