package cluster_test

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/pave-platform/pave/bootstrap/bootstraptest"
	"github.com/pave-platform/pave/bootstrap/cluster"
	"github.com/pave-platform/pave/internal/downloads"
	"github.com/pave-platform/pave/internal/downloadstest"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/secret"
)

// withDownloads are options with a server to upload to.
func withDownloads(t *testing.T, c *bootstraptest.Cluster) (cluster.Options, *downloadstest.Server) {
	t.Helper()
	s := downloadstest.Start(t)
	if err := os.WriteFile(c.File("token"), []byte(s.Token), 0o600); err != nil {
		t.Fatal(err)
	}
	o := options(c)
	o.Downloads.Options = downloads.Options{URL: s.URL, Workspace: s.Workspace, Repository: s.Repository, Token: secret.Source{File: c.File("token")}}
	return o, s
}

func TestDownloadsAreSealedAndUploadedOnce(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 1})
	o, s := withDownloads(t, c)
	s.Fail(downloadstest.Busy)
	want := []string{"platform-kubeconfig.age", "platform-talosconfig.age"}
	if r := run(t, o); !slices.Equal(r.Uploaded, want) {
		t.Errorf("got %+v", r)
	}
	key, err := os.ReadFile(c.Identity.File)
	if err != nil {
		t.Fatal(err)
	}
	identities, err := age.ParseIdentities(bytes.NewReader(key))
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range []string{o.Kubeconfig, o.Talosconfig} {
		local, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sealed := s.Files()[want[i]]
		if bytes.Contains(sealed, local[:20]) {
			t.Errorf("%s is in clear", want[i])
		}
		r, err := age.Decrypt(bytes.NewReader(sealed), identities...)
		if err != nil {
			t.Fatal(err)
		}
		if opened, _ := io.ReadAll(r); !bytes.Equal(opened, local) {
			t.Errorf("%s is not what is at %s", want[i], path)
		}
	}
	if r := run(t, o); r.Changed || s.Puts() != 2 {
		t.Errorf("the second run: %+v, %d uploads", r, s.Puts())
	}
	if err := os.Remove(o.Kubeconfig); err != nil {
		t.Fatal(err)
	}
	if r := run(t, o); !slices.Equal(r.Uploaded, want[:1]) {
		t.Errorf("with a new kubeconfig: %+v", r)
	}
}

func TestDownloadsInClearOnlyWhenAskedFor(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 1})
	o, s := withDownloads(t, c)
	o.Downloads.Unsealed = true
	run(t, o)
	local, err := os.ReadFile(o.Kubeconfig)
	if err != nil || !bytes.Equal(s.Files()["platform-kubeconfig"], local) {
		t.Errorf("got %v", err)
	}
}

func TestAFailedUploadIsMadeByTheNextRun(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 1})
	o, s := withDownloads(t, c)
	s.Fail(downloadstest.Forbid)
	if _, err := cluster.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "repository:write") {
		t.Errorf("got %v", err)
	}
	if r := run(t, o); len(r.Uploaded) != 2 || c.Count("Bootstrap") != 1 {
		t.Errorf("got %+v", r)
	}
}

func TestBadDownloadsAreRefusedBeforeAnythingIsDone(t *testing.T) {
	t.Parallel()
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 1})
	for name, change := range map[string]func(*cluster.Downloads){
		"no token":     func(d *cluster.Downloads) { d.Token = secret.Source{} },
		"no age key":   func(d *cluster.Downloads) { d.Recipients = []string{"age1nonsense"} },
		"both at once": func(d *cluster.Downloads) { d.Unsealed, d.Recipients = true, c.Content.Recipients },
		"half a name":  func(d *cluster.Downloads) { d.Repository = "" },
	} {
		o, _ := withDownloads(t, c)
		change(&o.Downloads)
		if _, err := cluster.Run(t.Context(), o); fault.KindOf(err) != fault.Input || err == nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if len(c.World.Calls()) != 0 {
		t.Error("calls were made")
	}
}
