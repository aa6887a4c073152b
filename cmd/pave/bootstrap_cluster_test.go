package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/pave-platform/pave/bootstrap/bootstraptest"
	"github.com/pave-platform/pave/bootstrap/cluster"
	"github.com/pave-platform/pave/bootstrap/recovery"
)

// bootstrap runs a command of the later phases on c.
func bootstrap(t *testing.T, c *bootstraptest.Cluster, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	args = append([]string{"bootstrap"}, args...)
	code = run(append(args, "--artefact", c.Artefact, "--identity-file", c.Identity.File), &out, &err)
	return code, out.String(), err.String()
}

func TestBootstrapClusterStatusSnapshotAndRecover(t *testing.T) {
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 1, Workers: 1, Off: []string{"worker-1"}})
	configs := []string{"--kubeconfig", c.File("kubeconfig"), "--talosconfig", c.File("talosconfig")}

	code, stdout, stderr := bootstrap(t, c, append([]string{"cluster", "--json", "--timeout", "20s"}, configs...)...)
	var formed cluster.Result
	if err := json.Unmarshal([]byte(stdout), &formed); err != nil || code != 1 || formed.Bootstrapped != "cp-1" || formed.Kubernetes == "" {
		t.Errorf("with a node down: exit %d, %v, %+v", code, err, formed)
	}
	if !strings.Contains(stderr, "pave: 1 of 2 nodes did not come within 20s: worker-1: ") {
		t.Errorf("got %s", stderr)
	}
	c.World.Node("worker-1").PowerOn()
	if code, stdout, stderr = bootstrap(t, c, append([]string{"cluster"}, configs...)...); code != 0 || !strings.Contains(stdout, "2 of 2 nodes") || !strings.Contains(stdout, "nothing changed") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	if code, stdout, stderr = bootstrap(t, c, "status", "--exit-code"); code != 0 || !strings.HasPrefix(stdout, "NODE ") || !strings.Contains(stdout, "etcd has 1 members") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	c.World.Node("worker-1").PowerOff()
	if code, stdout, stderr = bootstrap(t, c, "status", "--exit-code", "--timeout", "2s"); code != 3 || !strings.HasPrefix(stdout, "NODE ") || !strings.Contains(stderr, "pave: cluster platform is not healthy") {
		t.Errorf("with a node down: exit %d: %s%s", code, stdout, stderr)
	}
	c.World.Node("worker-1").PowerOn()
	code, stdout, stderr = bootstrap(t, c, "etcd-snapshot", "--json", "--output", c.File("etcd.snapshot"))
	var taken recovery.Snapshot
	if err := json.Unmarshal([]byte(stdout), &taken); err != nil || code != 0 || taken.Node != "cp-1" || !taken.Info.Hashed {
		t.Errorf("exit %d, %v: %s%s", code, err, stdout, stderr)
	}
	again := append([]string{"recover", "--snapshot", c.File("etcd.snapshot")}, configs...)
	if code, stdout, stderr = bootstrap(t, c, again...); code != 2 || stdout != "" || !strings.Contains(stderr, "--confirm platform") {
		t.Errorf("without the name: exit %d: %s%s", code, stdout, stderr)
	}
	if code, stdout, stderr = bootstrap(t, c, append(again, "--confirm", "platform")...); code != 0 || !strings.Contains(stdout, "nothing to recover") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}

func TestBootstrapUsageIsAnInputError(t *testing.T) {
	c := bootstraptest.Start(t, bootstraptest.Shape{ControlPlanes: 1, Off: []string{"cp-1"}})
	if err := os.WriteFile(c.File("token"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		args []string
		want string
	}{
		"no snapshot":                   {[]string{"recover", "--confirm", "platform"}, "needs --snapshot"},
		"nowhere for the snapshot":      {[]string{"etcd-snapshot"}, "give one of --output, --output-dir and --s3-bucket"},
		"two places for the snapshot":   {[]string{"etcd-snapshot", "--output", "a", "--output-dir", "b"}, "2 are named"},
		"half a repository":             {[]string{"cluster", "--downloads", "acme"}, "WORKSPACE/REPOSITORY"},
		"Downloads without a token":     {[]string{"cluster", "--downloads", "acme/platform"}, "need a token"},
		"a bucket without its endpoint": {[]string{"etcd-snapshot", "--s3-bucket", "etcd"}, "is not a URL"},
		"another cluster's artefact":    {[]string{"status", "--cluster", "other"}, "is of cluster platform"},
	} {
		if code, stdout, stderr := bootstrap(t, c, x.args...); code != 2 || !strings.Contains(stderr, x.want) {
			t.Errorf("%s: exit %d: %s%s", name, code, stdout, stderr)
		}
	}
}
