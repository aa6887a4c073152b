package lab

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/pave-platform/pave/internal/dev/git"
	"github.com/pave-platform/pave/internal/dev/registry"
	"github.com/pave-platform/pave/internal/fault"
)

// serve serves handler at the lab's address, on both sides, and gives the
// host:port.
func (l *Lab) serve(ctx context.Context, handler http.Handler) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", net.JoinHostPort(l.Address, "0"))
	if err != nil {
		return "", err
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	l.atEnd(func() {
		_ = server.Close()
		<-ended
	})
	return listener.Addr().String(), l.Reach(ctx, listener.Addr().String())
}

// atEnd runs end before the lab's processes are killed.
func (l *Lab) atEnd(end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closers = append(l.closers, end)
}

func (l *Lab) startRegistry(ctx context.Context) error {
	handler, err := registry.New(registry.Options{Dir: filepath.Join(l.Dir, "registry")})
	if err != nil {
		return err
	}
	l.Registry, err = l.serve(ctx, handler)
	return err
}

func (l *Lab) startGit(ctx context.Context) error {
	server, err := git.New(git.Options{Dir: filepath.Join(l.Dir, "git")})
	if err != nil {
		return err
	}
	l.git = server
	host, err := l.serve(ctx, server)
	l.Git = "http://" + host
	return err
}

// Repository is one on the lab's Git server.
type Repository struct {
	URL string // for clients here and for Argo CD
	Dir string // bare, for gittest.Repository
}

// Repository makes an empty repository NAME.git on the lab's Git server, whose
// protected branches take no pushes once they exist.
func (l *Lab) Repository(ctx context.Context, name string, protect ...string) (Repository, error) {
	if l.git == nil {
		return Repository{}, fault.Inputf("the lab has no Git server").Fix("start it with lab.Git")
	}
	dir, err := l.git.Create(ctx, name)
	if err != nil {
		return Repository{}, err
	}
	for _, branch := range protect {
		err = errors.Join(err, l.git.Protect(ctx, dir, branch))
	}
	return Repository{URL: l.Git + "/" + name + ".git", Dir: dir}, err
}
