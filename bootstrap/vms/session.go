package vms

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"sync"

	vimfault "github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

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

// renew opens the older API's session again.
func (vc *vcenter) renew(ctx context.Context, counted int) error {
	return vc.old.again(counted, func() error {
		vc.log.Warn("vCenter ended the session, logging in again", "server", vc.server)
		return vc.refused(vc.sessions.Login(ctx, vc.user))
	})
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

// newAgain does the same for the newer API, whose sessions are in a header.
type newAgain struct {
	vc   *vcenter
	next http.RoundTripper
}

// What the newer API calls its session.
const (
	sessionHeader = "vmware-api-session-id"
	sessionPath   = "/cis/session"
)

// RoundTrip implements http.RoundTripper.
func (a *newAgain) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, sessionPath) { // a login, or a logout
		return a.next.RoundTrip(r)
	}
	counted := a.vc.new.now()
	response, err := a.next.RoundTrip(r)
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	_ = response.Body.Close()
	err = a.vc.new.again(counted, func() error {
		a.vc.log.Warn("vCenter ended the session of its newer API, logging in again", "server", a.vc.server)
		return a.vc.refused(a.vc.api.Login(r.Context(), a.vc.user))
	})
	if err != nil {
		return nil, err
	}
	second := r.Clone(r.Context())
	second.Header.Set(sessionHeader, a.vc.api.SessionID())
	second.Body = http.NoBody
	if r.GetBody != nil {
		if second.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
	return a.next.RoundTrip(second)
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
