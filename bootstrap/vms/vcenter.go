package vms

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	vimfault "github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/session"
	"github.com/vmware/govmomi/vapi/rest"
	"github.com/vmware/govmomi/vim25"
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
	vc.api.Transport = &newAgain{vc: vc, next: vc.api.Transport}
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
	case vimfault.Is(err, &types.InvalidLogin{}), rest.IsStatusError(err, http.StatusUnauthorized):
		return fault.Inputf("vCenter %s refuses the user name or the password", vc.server).
			Fix("check VSPHERE_USER and VSPHERE_PASSWORD, or the files that are given in their place")
	}
	return unreachable(vc.server, err)
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

// wait gives a task's result.
func (vc *vcenter) wait(ctx context.Context, task *object.Task) (info *types.TaskInfo, err error) {
	err = vc.steady(ctx, func() error {
		info, err = task.WaitForResult(ctx)
		return err
	})
	return info, err
}
