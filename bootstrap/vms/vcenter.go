package vms

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"time"

	vimfault "github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/session"
	"github.com/vmware/govmomi/vapi/rest"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
)

// vcenter is a session with vCenter that logs in again when vCenter has ended it.
type vcenter struct {
	*vim25.Client
	api      *rest.Client // for what is not in the older API: tags and content libraries
	sessions *session.Manager
	user     *url.Userinfo
	server   string
	log      *slog.Logger

	old, new logins // each API has a session of its own
}

// logins count how often a session was opened, so that of several calls that meet
// its end one opens it again.
type logins struct {
	mu    sync.Mutex
	count int
}

func (l *logins) now() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// again opens the session unless another call did since the caller counted.
func (l *logins) again(counted int, open func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count != counted {
		return nil
	}
	l.count++
	return open()
}

// maxIdle keeps the connections of all machines that are worked on at once.
const maxIdle = 64

// connect logs in.
func connect(ctx context.Context, o Options) (*vcenter, error) {
	server := string(o.Cluster.Spec.VSphere.Server)
	name, err := o.Username.Read()
	if err != nil {
		return nil, err
	}
	password, err := o.Password.Read()
	if err != nil {
		return nil, err
	}
	trusted, err := registry.TLSConfig(o.CAFile)
	if err != nil {
		return nil, err
	}
	client := soap.NewClient(&url.URL{Scheme: "https", Host: server, Path: vim25.Path}, false)
	client.UserAgent = "pave"
	client.DefaultTransport().TLSClientConfig = trusted
	client.DefaultTransport().MaxIdleConnsPerHost = maxIdle
	vim, err := vim25.NewClient(ctx, client)
	if err != nil {
		return nil, interrupted(ctx, unreachable(server, err))
	}
	vc := &vcenter{
		Client: vim, sessions: session.NewManager(vim), api: rest.NewClient(vim), server: server, log: o.Log,
		user: url.UserPassword(string(name), string(password)),
	}
	if err := vc.login(ctx); err != nil {
		return nil, interrupted(ctx, err)
	}
	vim.RoundTripper = &again{vc: vc, next: vim.RoundTripper}
	return vc, nil
}

func unreachable(server string, err error) error {
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
		return fault.Failedf("vCenter %s: %w", server, err).Fix("give the CA that signed its certificate with --ca-file")
	}
	return fault.Failedf("vCenter %s: %w", server, err).Fix("check spec.vsphere.server, and that this machine reaches it")
}

// login opens both sessions.
func (vc *vcenter) login(ctx context.Context) error {
	if err := vc.sessions.Login(ctx, vc.user); err != nil {
		return vc.refused(err)
	}
	return vc.refused(vc.api.Login(ctx, vc.user))
}

func (vc *vcenter) refused(err error) error {
	switch {
	case err == nil:
		return nil
	case vimfault.Is(err, &types.InvalidLogin{}), isUnauthorized(err):
		return fault.Inputf("vCenter %s refuses the user name or the password", vc.server).
			Fix("check VSPHERE_USER and VSPHERE_PASSWORD, or the files that are given in their place")
	}
	return unreachable(vc.server, err)
}

// isUnauthorized knows the newer API's answer in an ended session. The library
// passes its text on and not always the error itself.
func isUnauthorized(err error) bool {
	return err != nil && strings.HasSuffix(err.Error(), "401 "+http.StatusText(http.StatusUnauthorized))
}

// renew opens the older API's session again.
func (vc *vcenter) renew(ctx context.Context, counted int) error {
	return vc.old.again(counted, func() error {
		vc.log.Warn("vCenter ended the session, logging in again", "server", vc.server)
		return vc.refused(vc.sessions.Login(ctx, vc.user))
	})
}

// logoutTimeout is what an interruption may still take.
const logoutTimeout = 5 * time.Second

// close logs out, also after an interruption: vCenter has few sessions.
func (vc *vcenter) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logoutTimeout)
	defer cancel()
	_ = vc.api.Logout(ctx)
	_ = vc.sessions.Logout(ctx)
	vc.CloseIdleConnections()
}

// again makes a call a second time in a new session when the old one is gone.
type again struct {
	vc   *vcenter
	next soap.RoundTripper
}

// RoundTrip implements soap.RoundTripper.
func (a *again) RoundTrip(ctx context.Context, request, response soap.HasFault) error {
	switch request.(type) {
	case *methods.LoginBody, *methods.LogoutBody:
		return a.next.RoundTrip(ctx, request, response)
	}
	counted := a.vc.old.now()
	err := a.next.RoundTrip(ctx, request, response)
	if err == nil || !vimfault.Is(err, &types.NotAuthenticated{}) {
		return err
	}
	if err := a.vc.renew(ctx, counted); err != nil {
		return err
	}
	reflect.ValueOf(response).Elem().SetZero() // the fault is in it
	return a.next.RoundTrip(ctx, request, response)
}

// rest does something with the newer API, and again from the start in a new session
// when the old one is gone.
func (vc *vcenter) rest(ctx context.Context, call func() error) error {
	for attempt := 0; ; attempt++ {
		counted := vc.new.now()
		err := call()
		if attempt == maxAttempts || !isUnauthorized(err) {
			return err
		}
		err = vc.new.again(counted, func() error {
			vc.log.Warn("vCenter ended the session of its newer API, logging in again", "server", vc.server)
			return vc.refused(vc.api.Login(ctx, vc.user))
		})
		if err != nil {
			return err
		}
	}
}

// steady does something that vCenter keeps a part of in the session, and again
// from the start where that is lost with the session.
func (vc *vcenter) steady(ctx context.Context, do func() error) error {
	for attempt := 0; ; attempt++ {
		counted := vc.old.now()
		err := do()
		var gone *types.ManagedObjectNotFound
		_, lost := vimfault.As(err, &gone)
		switch {
		case err == nil || ctx.Err() != nil || attempt == maxAttempts:
			return err
		case vimfault.Is(err, &types.NotAuthenticated{}): // said of a property, not of the call
			if err := vc.renew(ctx, counted); err != nil {
				return err
			}
		case !lost || !ofSession[gone.Obj.Type]:
			return err
		}
	}
}

// maxAttempts is more sessions than a run can lose by bad luck.
const maxAttempts = 10

// ofSession are the types of objects that end with their session.
var ofSession = map[string]bool{"PropertyCollector": true, "PropertyFilter": true, "ContainerView": true}

// wait gives a task's result.
func (vc *vcenter) wait(ctx context.Context, task *object.Task) (info *types.TaskInfo, err error) {
	err = vc.steady(ctx, func() error {
		info, err = task.WaitForResult(ctx)
		return err
	})
	return info, err
}
