package objectstore_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pave-platform/pave/hack/lab/s3test"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/objectstore"
	"github.com/pave-platform/pave/internal/secret"
)

func options(t *testing.T, s *s3test.Server) objectstore.Options {
	t.Helper()
	return objectstore.Options{
		Endpoint: s.Endpoint, Bucket: s.Bucket, Prefix: "prod/", CAFile: s.CAFile,
		AccessKey: file(t, "access", s.AccessKey), SecretKey: file(t, "secret", s.SecretKey),
	}
}

func file(t *testing.T, name, content string) secret.Source {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return secret.Source{File: path}
}

func TestWhatIsPutIsThereUntilItIsDeleted(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	s, err := objectstore.New(options(t, server))
	if err != nil {
		t.Fatal(err)
	}
	content := strings.Repeat("etcd ", 100_000)
	for _, name := range []string{"b", "a", "b"} {
		where, err := s.Put(t.Context(), name, file(t, name, content).File, "digest")
		if err != nil || where != "s3://etcd/prod/"+name {
			t.Fatalf("got %q, %v", where, err)
		}
	}
	if got, err := os.ReadFile(filepath.Join(server.Dir, "prod", "b")); err != nil || string(got) != content {
		t.Errorf("the server has %d bytes, %v", len(got), err)
	}
	if names, err := s.List(t.Context()); err != nil || !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("got %v, %v", names, err)
	}
	if err := s.Delete(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if names, err := s.List(t.Context()); err != nil || !slices.Equal(names, []string{"b"}) {
		t.Errorf("got %v, %v", names, err)
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	for name, x := range map[string]struct {
		change func(*objectstore.Options)
		kind   fault.Kind
		want   string
	}{
		"no endpoint":         {func(o *objectstore.Options) { o.Endpoint = "" }, fault.Input, "is not a URL"},
		"http to elsewhere":   {func(o *objectstore.Options) { o.Endpoint = "http://s3.example.com" }, fault.Input, "loopback only"},
		"a key in the URL":    {func(o *objectstore.Options) { o.Endpoint = "https://a:b@s3.example.com" }, fault.Input, "holds credentials"},
		"no key":              {func(o *objectstore.Options) { o.SecretKey = secret.Source{} }, fault.Input, "needs an access key"},
		"a CA that is none":   {func(o *objectstore.Options) { o.CAFile = o.AccessKey.File }, fault.Input, "holds no PEM certificate"},
		"a wrong secret key":  {func(o *objectstore.Options) { o.SecretKey = file(t, "wrong", "wrong") }, fault.Failed, "check the access key"},
		"no such bucket":      {func(o *objectstore.Options) { o.Bucket = "other" }, fault.Failed, "create the bucket other"},
		"a CA that it is not": {func(o *objectstore.Options) { o.CAFile = "" }, fault.Failed, "certificate"},
	} {
		o := options(t, server)
		x.change(&o)
		s, err := objectstore.New(o)
		if err == nil {
			_, err = s.Put(t.Context(), "a", file(t, "a", "a").File, "")
		}
		if err == nil || fault.KindOf(err) != x.kind || !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), server.SecretKey) {
			t.Errorf("%s: got %v, want an error of kind %d with %q", name, err, x.kind, x.want)
		}
	}
}
