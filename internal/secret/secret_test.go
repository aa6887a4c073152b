package secret_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/secret"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	empty := filepath.Join(dir, "empty")
	for path, text := range map[string]string{file: "s3cret\r\n", empty: "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PAVE_TEST_SECRET", "fromenv")

	for name, c := range map[string]struct {
		src  secret.Source
		want string
		err  string
	}{
		"none is absent":               {secret.Source{}, "", ""},
		"a file loses its line end":    {secret.Source{File: file}, "s3cret", ""},
		"an environment variable":      {secret.Source{Env: "PAVE_TEST_SECRET"}, "fromenv", ""},
		"a missing file is refused":    {secret.Source{File: filepath.Join(dir, "no")}, "", "no such file"},
		"an empty file is refused":     {secret.Source{File: empty}, "", "is empty"},
		"an unset variable is refused": {secret.Source{Env: "PAVE_TEST_UNSET"}, "", "PAVE_TEST_UNSET is empty or not set"},
		"two sources are refused":      {secret.Source{File: file, Env: "X"}, "", "give one of the two"},
	} {
		got, err := c.src.Read()
		if c.err == "" && (err != nil || string(got) != c.want) {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, c.want)
		}
		if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || fault.KindOf(err) != fault.Input) {
			t.Errorf("%s: got error %v, want an input error with %q", name, err, c.err)
		}
	}
}
