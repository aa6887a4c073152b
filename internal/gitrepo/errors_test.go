package gitrepo_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/gitrepo"
	"github.com/pave-platform/pave/internal/gittest"
	"github.com/pave-platform/pave/internal/secret"
)

func fileWith(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestServersThatSayNo has one case for each way in which a server, or the way
// to it, can be wrong: each names the repository, the cause and the way out.
func TestServersThatSayNo(t *testing.T) {
	s := gittest.Start(t, gittest.Options{TLS: true, Auth: true, Username: "deployer"})
	s.Commit(t, "main", "seed", map[string]string{"x": "x"})
	s.Commit(t, "release", "seed", map[string]string{"x": "x"})
	teapot := gittest.Handler(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	redirect := gittest.Handler(t, http.RedirectHandler("http://192.0.2.1/gitops.git/info/refs?service=git-upload-pack", http.StatusFound))
	for name, c := range map[string]struct {
		spoil func(*gitrepo.Options)
		want  string
		kind  fault.Kind
	}{
		"a wrong token":             {func(o *gitrepo.Options) { o.Token.File = fileWith(t, "wrong-token") }, "refused the credentials (401); check --username", fault.Failed},
		"a wrong user":              {func(o *gitrepo.Options) { o.Username = "other" }, "refused the credentials (401)", fault.Failed},
		"no token":                  {func(o *gitrepo.Options) { o.Username, o.Token = "", secret.Source{} }, "asks for credentials (401); give --token-file", fault.Failed},
		"an unknown CA":             {func(o *gitrepo.Options) { o.CAFile = "" }, "certificate by an unknown authority; give the platform's root CA with --ca-file", fault.Failed},
		"another host name":         {func(o *gitrepo.Options) { o.URL = strings.Replace(o.URL, "127.0.0.1", "localhost", 1) }, "certificate is for another name", fault.Failed},
		"a missing repository":      {func(o *gitrepo.Options) { o.URL += "x" }, "no such repository, or hides it", fault.Failed},
		"a missing branch":          {func(o *gitrepo.Options) { o.Branch = "mian" }, "no branch mian; create it, or choose another with --branch (there are: main, release)", fault.Input},
		"nobody there":              {func(o *gitrepo.Options) { o.URL = "https://" + free(t) + "/gitops.git" }, "refuses connections; check the address", fault.Failed},
		"a name nobody has":         {func(o *gitrepo.Options) { o.URL = "https://git.example.invalid/gitops.git" }, "cannot be resolved", fault.Failed},
		"http behind https":         {func(o *gitrepo.Options) { o.URL = strings.Replace(teapot, "http:", "https:", 1) + "/gitops.git" }, "does not speak https", fault.Failed},
		"a server of teapots":       {func(o *gitrepo.Options) { o.URL = teapot + "/gitops.git" }, "the server answers 418", fault.Failed},
		"a redirect into the clear": {func(o *gitrepo.Options) { o.URL = redirect + "/gitops.git" }, "redirects to plain http", fault.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(s)
			c.spoil(&o)
			_, err := open(t, o).Update(t.Context(), put("app.yaml", "x\n"))
			check(t, err, c.kind, o.URL, c.want)
			gittest.NoSecret(t, err.Error(), s.Token)
		})
	}
	if s.Pushes() != 0 {
		t.Errorf("%d pushes, want none", s.Pushes())
	}
}

func check(t *testing.T, err error, kind fault.Kind, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if fault.KindOf(err) != kind {
		t.Errorf("kind %d, want %d: %v", fault.KindOf(err), kind, err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %v", part, err)
		}
	}
}

// free is a loopback address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestAProtectedBranchSpeaksForItself(t *testing.T) {
	web := gittest.Start(t, gittest.Options{Protect: []string{"main"}})
	shell := gittest.StartSSH(t, "main")
	local := gittest.Create(t, "main")
	for name, c := range map[string]struct {
		options    gitrepo.Options
		repository gittest.Repository
	}{
		"over http": {options(web), web.Repository},
		"over ssh":  {sshOptions(shell), shell.Repository},
		"by path":   {gitrepo.Options{URL: local.Dir, Branch: "main", Author: pave}, local},
	} {
		t.Run(name, func(t *testing.T) {
			head := c.repository.Commit(t, "main", "seed", map[string]string{"x": "x"})
			_, err := open(t, c.options).Update(t.Context(), put("app.yaml", "x\n"))
			check(t, err, fault.Failed, "the server refused the push to main: pre-receive hook declined",
				"branch main is protected: changes come in by pull request", "allow this account")
			if c.repository.Head(t, "main") != head {
				t.Error("the branch moved")
			}
		})
	}
}

func TestAForbiddenPushIsNotRepeated(t *testing.T) {
	s := gittest.Start(t, gittest.Options{})
	s.Commit(t, "main", "seed", map[string]string{"x": "x"})
	s.Fail(gittest.Forbidden)
	_, err := open(t, options(s)).Update(t.Context(), put("app.yaml", "x\n"))
	check(t, err, fault.Failed, "allows this account no access (403)")
	if s.Pushes() != 1 {
		t.Errorf("%d pushes, want 1", s.Pushes())
	}
}

func sshOptions(s *gittest.SSHServer) gitrepo.Options {
	return gitrepo.Options{URL: s.URL, Branch: "main", Author: pave, SSHKey: secret.Source{File: s.KeyFile}, KnownHostsFile: s.KnownHostsFile}
}

func TestSSHTalksToKnownHostsOnly(t *testing.T) {
	s, other := gittest.StartSSH(t), gittest.StartSSH(t)
	known, err := os.ReadFile(other.KnownHostsFile)
	if err != nil {
		t.Fatal(err)
	}
	_, key, _ := strings.Cut(string(known), " ")
	mine, err := os.ReadFile(s.KnownHostsFile)
	if err != nil {
		t.Fatal(err)
	}
	host, _, _ := strings.Cut(string(mine), " ")
	for name, c := range map[string]struct {
		spoil func(*gitrepo.Options)
		want  string
	}{
		"a host that is not in the file": {func(o *gitrepo.Options) { o.KnownHostsFile = other.KnownHostsFile }, "does not have the server's key; compare"},
		"an empty file":                  {func(o *gitrepo.Options) { o.KnownHostsFile = fileWith(t, "") }, "does not have the server's key"},
		"a host with another key":        {func(o *gitrepo.Options) { o.KnownHostsFile = fileWith(t, host+" "+key) }, "another key than the known_hosts file has"},
		"a key that the server refuses":  {func(o *gitrepo.Options) { o.SSHKey.File = s.OtherKeyFile }, "refused the ssh key; add its public half"},
		"a repository that is not there": {func(o *gitrepo.Options) { o.URL += "x" }, "no such repository"},
		"nobody there":                   {func(o *gitrepo.Options) { o.URL = "ssh://git@" + free(t) + s.Dir }, "refuses connections"},
	} {
		t.Run(name, func(t *testing.T) {
			o := sshOptions(s)
			c.spoil(&o)
			_, err := open(t, o).Update(t.Context(), put("app.yaml", "x\n"))
			check(t, err, fault.Failed, c.want)
		})
	}
}

func TestAPathWithoutTheGitProgramSaysSo(t *testing.T) {
	dir := gittest.Create(t).Dir
	t.Setenv("PATH", t.TempDir())
	_, err := gitrepo.New(gitrepo.Options{URL: dir, Branch: "main", Author: pave})
	check(t, err, fault.Failed, "the git program is not installed; install git, or use https")
}

// TestASilentServerCanBeLeft connects to servers that accept and then say
// nothing: Ctrl-C must work while they are silent.
func TestASilentServerCanBeLeft(t *testing.T) {
	for _, scheme := range []string{"https://", "ssh://git@"} {
		t.Run(scheme, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				if c, err := l.Accept(); err == nil {
					cancel()
					<-t.Context().Done()
					_ = c.Close()
				}
			}()
			o := sshOptions(gittest.StartSSH(t))
			if scheme == "https://" {
				o = gitrepo.Options{Branch: "main", Author: pave}
			}
			o.URL = scheme + l.Addr().String() + "/gitops.git"
			_, err = open(t, o).Update(ctx, put("app.yaml", "x\n"))
			check(t, err, fault.Failed, "context canceled")
		})
	}
}
