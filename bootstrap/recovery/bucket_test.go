package recovery_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pave-platform/pave/bootstrap/recovery"
	"github.com/pave-platform/pave/hack/lab/s3test"
	"github.com/pave-platform/pave/internal/objectstore"
	"github.com/pave-platform/pave/internal/secret"
)

func TestASnapshotGoesToABucketAndComesBack(t *testing.T) {
	t.Parallel()
	c, server := formed(t), s3test.Start(t)
	for name, content := range map[string]string{"access": server.AccessKey, "secret": server.SecretKey} {
		if err := os.WriteFile(c.File(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, old := range []string{"platform-20260101T000000Z.snapshot", "platform-20260102T000000Z.snapshot"} {
		if err := os.MkdirAll(filepath.Join(server.Dir, "prod"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(server.Dir, "prod", old), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := recovery.Take(t.Context(), recovery.SnapshotOptions{Options: access(c), Keep: 2, S3: objectstore.Options{
		Endpoint: server.Endpoint, Bucket: server.Bucket, Prefix: "prod/", CAFile: server.CAFile,
		AccessKey: secret.Source{File: c.File("access")}, SecretKey: secret.Source{File: c.File("secret")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(s.Location, "s3://etcd/prod/platform-") || !slices.Equal(s.Removed, []string{"platform-20260101T000000Z.snapshot"}) {
		t.Errorf("got %+v", s)
	}
	o := options(c)
	o.Snapshot = filepath.Join(server.Dir, strings.TrimPrefix(s.Location, "s3://etcd/"))
	replace(c, controlPlanes...)
	if r := recovered(t, o); r.Recovered != "cp-1" || !r.TakenAt.Equal(s.TakenAt) {
		t.Errorf("got %+v", r)
	}
	if v, _ := c.World.Node("cp-2").Read("b"); v != "after" {
		t.Errorf("what was in the snapshot is %q", v)
	}
}
