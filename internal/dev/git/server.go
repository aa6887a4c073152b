// Package git serves bare repositories over the smart HTTP protocol, through
// Git's own http-backend: for demos and tests, where the answer of the real
// program matters and a Git service would be too much.
//
// It promises that nothing but Git writes to a repository, and that hooks and
// refusals are Git's own.
package git

import (
	"crypto/subtle"
	"io"
	"log/slog"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/pave-platform/pave/internal/fault"
)

// Options say what is served, and to whom.
type Options struct {
	Dir      string // the repositories, each DIR/NAME.git
	Username string // empty: any user name goes with the token
	Token    []byte // empty: everybody may read and push
	Log      *slog.Logger
}

// Server is an http.Handler for the repositories of one folder.
type Server struct {
	dir, git string
	username string
	token    []byte
	cgi      *cgi.Handler
}

// New makes o.Dir and finds the git program.
func New(o Options) (*Server, error) {
	if o.Username != "" && len(o.Token) == 0 {
		return nil, fault.Inputf("Git user %s has no token", o.Username).Fix("give --token-file or --token-env")
	}
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, fault.Failedf("the git program is not installed").Fix("install Git: apt-get install git")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fault.Inputf("folder of repositories: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fault.Inputf("folder of repositories: %w", err)
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Server{dir: dir, git: git, username: o.Username, token: o.Token}
	s.cgi = &cgi.Handler{
		Path:   git,
		Args:   []string{"http-backend"},
		Dir:    dir,
		Env:    append(isolated(), "GIT_PROJECT_ROOT="+dir, "GIT_HTTP_EXPORT_ALL=1"),
		Logger: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		Stderr: io.Discard, // what matters reaches the client
	}
	return s, nil
}

// isolated keeps the settings of the person who runs the server out of it.
func isolated() []string {
	return []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_TERMINAL_PROMPT=0"}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.allowed(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="pave dev git"`)
		http.Error(w, "wrong user or token", http.StatusUnauthorized)
		return
	}
	r.Header.Del("Authorization") // http-backend would put it into the environment of hooks
	if err := spool(r); err != nil {
		http.Error(w, "the request broke off", http.StatusBadRequest)
		return
	}
	defer r.Body.Close()
	s.cgi.ServeHTTP(w, r)
}

func (s *Server) allowed(r *http.Request) bool {
	if len(s.token) == 0 {
		return true
	}
	user, token, ok := r.BasicAuth()
	if !ok {
		return false
	}
	right := subtle.ConstantTimeCompare([]byte(token), s.token) == 1
	return right && (s.username == "" || subtle.ConstantTimeCompare([]byte(user), []byte(s.username)) == 1)
}

// spool gives a chunked request, as git sends a large push, the length that
// CGI needs, by way of a temporary file.
func spool(r *http.Request) error {
	if r.ContentLength >= 0 {
		return nil
	}
	f, err := os.CreateTemp("", "pave-git-push-*")
	if err != nil {
		return err
	}
	body := &temporary{f}
	size, err := io.Copy(f, r.Body)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = body.Close()
		return err
	}
	r.Body, r.ContentLength, r.TransferEncoding = body, size, nil
	return nil
}

// temporary is a file that is removed when it is closed.
type temporary struct{ *os.File }

// Close implements io.Closer.
func (t *temporary) Close() error {
	err := t.File.Close()
	_ = os.Remove(t.Name())
	return err
}
