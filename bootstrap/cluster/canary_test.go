package cluster_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pave-platform/pave/bootstrap/bootstraptest"
	"github.com/pave-platform/pave/bootstrap/cluster"
	"github.com/pave-platform/pave/internal/downloadstest"
	"github.com/pave-platform/pave/internal/killtest"
)

// TestSecretsStaySecret looks for every secret of the cluster in what the
// process says at its most talkative, when all goes well and when it does not,
// in its arguments, and in what it leaves in the temporary folder.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*testing.T, *bootstraptest.Cluster, *cluster.Options, *downloadstest.Server){
		"all goes well": func(*testing.T, *bootstraptest.Cluster, *cluster.Options, *downloadstest.Server) {},
		"a node of another cluster": func(t *testing.T, c *bootstraptest.Cluster, o *cluster.Options, _ *downloadstest.Server) {
			c.Add(t, "stranger", "worker")
			o.Timeout = short
		},
		"the upload is refused": func(_ *testing.T, _ *bootstraptest.Cluster, _ *cluster.Options, s *downloadstest.Server) {
			s.Fail(downloadstest.Forbid)
		},
		"the artefact in the identity's place": func(_ *testing.T, _ *bootstraptest.Cluster, o *cluster.Options, _ *downloadstest.Server) {
			o.Identity.File = o.Artefact
		},
		"the identity in the artefact's place": func(_ *testing.T, _ *bootstraptest.Cluster, o *cluster.Options, _ *downloadstest.Server) {
			o.Artefact = o.Identity.File
		},
		"a broken kubeconfig is there": func(t *testing.T, c *bootstraptest.Cluster, o *cluster.Options, _ *downloadstest.Server) {
			o.Kubeconfig = c.File("age.key") // it is replaced
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 1, Workers: 1, Foreign: []string{"stranger"}})
			secrets := c.Secrets(t)
			o, s := withDownloads(t, c)
			secrets["token of the Downloads"] = []byte(s.Token)
			spoil(t, c, &o, s)
			tmp := t.TempDir()
			cmd := killtest.Command(t, o)
			cmd.Env = append(cmd.Env, "TMPDIR="+tmp)
			said, _ := cmd.CombinedOutput()
			for _, path := range []string{o.Kubeconfig, o.Talosconfig} {
				secrets.AddConfig(t, path)
			}
			if len(said) < 100 {
				t.Errorf("it said no more than %q", said)
			}
			said = append(said, strings.Join(cmd.Args, "\n")...)
			_ = filepath.WalkDir(tmp, func(path string, d os.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					content, _ := os.ReadFile(path)
					said = append(said, content...)
				}
				return nil
			})
			secrets.NotIn(t, said)
		})
	}
}
