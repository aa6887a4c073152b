package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/registrytest"
	"github.com/pave-platform/pave/steps/mirror"
)

// TestMain lets this program stand in for both: as pave it says what it was started
// with.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "pave":
		fmt.Println(strings.Join(os.Args[1:], " "), os.Getenv("PAVE_MARK"))
		os.Exit(3)
	case "pave-mirror":
		main()
	}
	os.Exit(m.Run())
}

// site is a public registry, the platform's, and an approved list.
type site struct {
	upstream, own *registrytest.Registry
	asked, took   registrytest.Front // before each
	list, ca      string
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{list: filepath.Join(t.TempDir(), "images.yaml"), ca: filepath.Join(t.TempDir(), "ca.pem")}
	s.upstream = registrytest.Distribution(t, registrytest.Options{Anonymous: true, Wrap: s.asked.Wrap})
	s.own = registrytest.New(t, registrytest.Options{Wrap: s.took.Wrap})
	var bundle []byte
	for _, r := range []*registrytest.Registry{s.upstream, s.own} {
		ca, err := os.ReadFile(r.CAFile)
		must(t, err)
		bundle = append(bundle, ca...)
	}
	must(t, os.WriteFile(s.ca, bundle, 0o600))
	img, err := random.Image(1000, 2)
	must(t, err)
	ref, err := registry.ParseReference(s.upstream.Ref("up/app:1"))
	must(t, err)
	must(t, remote.Write(ref, img, s.upstream.Client(t).Remote(t.Context())...))
	must(t, os.WriteFile(s.list, fmt.Appendf(nil, "apiVersion: pave/v1\nkind: ImageList\ndefaults: {target: %q}\nimages:\n  - {name: app, source: %q, tags: ['1']}\n",
		s.own.Ref("library"), s.upstream.Host+"/up/app"), 0o600))
	_, err = mirror.Approve(t.Context(), mirror.ApproveOptions{
		Common: mirror.Common{List: s.list, Sources: s.upstream.Options(), Registry: s.own.Options()}, All: true, By: "tester",
	})
	must(t, err)
	return s
}

func (s *site) args(args ...string) []string {
	return append(args, "--list", s.list, "--ca-file", s.ca, "--registry-username", s.own.Username, "--registry-password-file", s.own.PasswordFile)
}

// run gives what the program says, and with which arguments it became pave.
func (s *site) run(t *testing.T, code int, args ...string) (said string, became []string) {
	t.Helper()
	var out bytes.Buffer
	got := run(args, &out, &out, func(_ string, args []string) error {
		became = args
		return nil
	})
	if got != code {
		t.Fatalf("exit code %d, want %d:\n%s", got, code, out.String())
	}
	return out.String(), became
}

func TestWhatTakesNoScanAndNoSignatureIsDoneHere(t *testing.T) {
	onPath(t)
	s := newSite(t)
	plain := s.args("run", "--no-scan", "--no-sign")
	for _, word := range []string{"1 copied", "0 copied"} {
		if said, became := s.run(t, 0, plain...); became != nil || !strings.Contains(said, word) {
			t.Fatalf("it became pave %q and said\n%s\nwant %q", became, said, word)
		}
	}
	if said, became := s.run(t, 0, s.args("status")...); became != nil || !strings.Contains(said, "1 of 1 as approved") {
		t.Errorf("it became pave %q and said\n%s", became, said)
	}
	// The scanner and the key are there for what is missing, and nothing is.
	s.asked.Reset()
	if _, became := s.run(t, 0, s.args("run", "--key-file", "missing.key", "--max-high", "3")...); became != nil {
		t.Errorf("with nothing to do it became pave %q", became)
	}
	if n := s.asked.Count("", ""); n > 0 {
		t.Errorf("%d requests to the source", n)
	}
}

func TestWhatTakesAScanOrASignatureGoesToPave(t *testing.T) {
	onPath(t)
	s := newSite(t)
	s.took.Reset()
	for _, args := range [][]string{
		s.args("run", "--key-file", "platform.key"),
		s.args("run", "--key-file", "platform.key", "--no-scan"),
		s.args("run", "--no-sign"),
		s.args("run", "--no-sign", "--dry-run"),
		s.args("run", "--no-scan", "--sign-all", "--key-file", "platform.key"),
		s.args("plan"),
		s.args("approve", "--all", "--no-scan"),
		s.args("export", "--archive", filepath.Join(t.TempDir(), "mirror.tar")),
	} {
		if said, became := s.run(t, 0, args...); !slices.Equal(became, append([]string{"mirror"}, args...)) {
			t.Errorf("%q became pave %q\n%s", args, became, said)
		}
	}
	for _, method := range []string{"PUT", "POST", "PATCH"} {
		if n := s.took.Count(method, ""); n > 0 {
			t.Errorf("%d %s requests to the target", n, method)
		}
	}
}

func TestWhatIsWrongIsSaidHere(t *testing.T) {
	s := newSite(t)
	t.Setenv("PATH", t.TempDir())
	for _, c := range []struct {
		word string
		args []string
	}{
		{"no signing key is given", s.args("run")},
		{"unknown flag: --max-hihg", s.args("run", "--max-hihg", "3")},
		{"there is no pave beside pave-mirror or on the PATH; put pave there", s.args("plan")},
	} {
		if said, became := s.run(t, 2, c.args...); became != nil || !strings.Contains(said, c.word) || !strings.HasPrefix(said, "pave-mirror: ") {
			t.Errorf("%q became %q and said\n%s\nwant %s", c.args, became, said, c.word)
		}
	}
}

// TestItBecomesPave starts the program as a user does.
func TestItBecomesPave(t *testing.T) {
	self, err := os.Executable()
	must(t, err)
	dir := t.TempDir()
	for _, name := range []string{"pave", "pave-mirror"} {
		must(t, os.Symlink(self, filepath.Join(dir, name)))
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "pave-mirror"), "plan", "--list", "some where.yaml")
	cmd.Env = append(os.Environ(), "PATH="+dir, "PAVE_MARK=marked")
	out, err := cmd.CombinedOutput()
	exit, failed := errors.AsType[*exec.ExitError](err)
	if !failed || exit.ExitCode() != 3 || string(out) != "mirror plan --list some where.yaml marked\n" {
		t.Errorf("%v: %s", err, out)
	}
}

// onPath puts something called pave on the PATH.
func onPath(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "pave"), nil, 0o755)) //nolint:gosec // G306: it is looked for, not started
	t.Setenv("PATH", dir)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
