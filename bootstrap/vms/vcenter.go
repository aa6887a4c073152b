package vms

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
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

	mu     sync.Mutex
	logins int // so that of several calls that meet an ended session one logs in
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

// login opens both sessions. The caller holds mu, or is alone.
func (vc *vcenter) login(ctx context.Context) error {
	err := vc.sessions.Login(ctx, vc.user)
	if err == nil {
		err = vc.api.Login(ctx, vc.user)
	}
	if vimfault.Is(err, &types.InvalidLogin{}) || rest.IsStatusError(err, http.StatusUnauthorized) {
		return fault.Inputf("vCenter %s refuses the user name or the password", vc.server).
			Fix("check VSPHERE_USER and VSPHERE_PASSWORD, or the files that are given in their place")
	}
	if err != nil {
		return unreachable(vc.server, err)
	}
	vc.logins++
	return nil
}

// renew logs in again unless another call did since the caller counted.
func (vc *vcenter) renew(ctx context.Context, counted int) error {
	vc.mu.Lock()
	defer vc.mu.Unlock()
	if vc.logins != counted {
		return nil
	}
	vc.log.Warn("vCenter ended the session, logging in again", "server", vc.server)
	return vc.login(ctx)
}

func (vc *vcenter) count() int {
	vc.mu.Lock()
	defer vc.mu.Unlock()
	return vc.logins
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
	counted := a.vc.count()
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

// rest makes a call to the newer API, and a second time in a new session when the
// old one is gone.
func (vc *vcenter) rest(ctx context.Context, call func() error) error {
	counted := vc.count()
	err := call()
	if err == nil || !rest.IsStatusError(err, http.StatusUnauthorized) {
		return err
	}
	if err := vc.renew(ctx, counted); err != nil {
		return err
	}
	return call()
}

// wait gives a task's result. What watches a task ends with the session, and is
// set up again.
func (vc *vcenter) wait(ctx context.Context, task *object.Task) (*types.TaskInfo, error) {
	for {
		info, err := task.WaitForResult(ctx)
		if err == nil || ctx.Err() != nil || !lostWatch(err) {
			return info, err
		}
	}
}

// lostWatch tells whether an error is that of a watch whose session has ended.
func lostWatch(err error) bool {
	var gone *types.ManagedObjectNotFound
	_, is := vimfault.As(err, &gone)
	return is && (gone.Obj.Type == "PropertyCollector" || gone.Obj.Type == "PropertyFilter")
}
