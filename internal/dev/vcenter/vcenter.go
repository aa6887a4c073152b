// Package vcenter is a small vCenter for demos and tests: govmomi's simulator with
// its real API over TLS, and what that one lacks of machines that run Talos: a
// guest agent that reports the address which the machine config gives.
package vcenter

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	_ "github.com/vmware/govmomi/vapi/simulator" // tags and content libraries
	"github.com/vmware/govmomi/vim25/types"

	"github.com/pave-platform/pave/internal/fault"
)

// The names in the inventory.
const (
	Datacenter   = "DC0"
	Cluster      = "DC0_C0"
	Datastore    = "LocalDS_0"
	Network      = "DC0_DVPG0"
	ResourcePool = "DC0_C0_RP1"
)

// Options say what the vCenter is like.
type Options struct {
	Addr               string // host:port, port 0 takes a free one; empty: a free one on loopback
	Name               string // host that clients know it by; empty: the address that it listens on
	Certificate        tls.Certificate
	Username, Password string
	TaskDelay          time.Duration // how long each task takes; of all vCenters in the process
	// Wrap stands before the server, to count and to break calls.
	Wrap func(http.Handler) http.Handler
	// Addresses gives the addresses of a machine that is powered on; nil: those of
	// its machine config.
	Addresses func(machine string, config string) []string
	// DHCP are the addresses of the machines whose config gives none; nil: 10.20.1.1
	// and so on. A machine that is made again under its name gets its address again.
	DHCP []string
	// Hypervisor runs the machines; nil: nothing runs in them.
	Hypervisor Hypervisor
}

// Server is a vCenter that runs.
type Server struct {
	Host  string // host:port
	Model *simulator.Model

	server *simulator.Server
	guests *guests
	once   sync.Once
}

// Start serves until the server is closed.
func Start(o Options) (*Server, error) {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	model := simulator.VPX()
	model.Machine, model.Autostart, model.Pool, model.App = 0, false, 1, 0
	if err := model.Create(); err != nil {
		return nil, fault.Failedf("vCenter: %w", err)
	}
	delay(o.TaskDelay)
	if _, _, err := net.SplitHostPort(o.Addr); err != nil {
		model.Remove()
		return nil, fault.Inputf("vCenter: %w", err)
	}
	model.Service.Listen = &url.URL{Host: o.Addr, User: url.UserPassword(o.Username, o.Password)}
	model.Service.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{o.Certificate}}
	model.Service.RegisterEndpoints = true
	g := newGuests(o)
	model.Map().AddHandler(g)
	server := model.Service.NewServer()
	if o.Wrap != nil {
		server.Config.Handler = o.Wrap(server.Config.Handler)
	}
	s := &Server{Host: server.URL.Host, Model: model, server: server, guests: g}
	if o.Name != "" {
		s.Host = net.JoinHostPort(o.Name, server.URL.Port())
		uploads := url.URL{Scheme: server.URL.Scheme, Host: s.Host, Path: server.URL.Path}
		model.Map().OptionManager().UpdateOptions(&types.UpdateOptions{
			ChangedValue: []types.BaseOptionValue{&types.OptionValue{Key: "vcsim.server.url", Value: uploads.String()}},
		})
	}
	return s, nil
}

// slow are the tasks that clients ask for. What one of them does by further tasks
// takes no time of its own.
var slow = []string{"CloneVm", "Destroy", "ImportVAppLRO", "PowerOff", "PowerOn", "ReconfigVm"}

// delay makes tasks slow; one that waits holds nothing that others need.
func delay(d time.Duration) {
	simulator.TaskDelay = simulator.DelayConfig{}
	if d <= 0 {
		return
	}
	methods := map[string]int{"LockHandoff": 0}
	for _, name := range slow {
		methods[name] = int(d.Milliseconds())
	}
	simulator.TaskDelay.MethodDelay = methods
}

// Run serves until ctx ends; it calls ready once, with the server.
func Run(ctx context.Context, o Options, ready func(*Server) error) error {
	s, err := Start(o)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := ready(s); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// Close ends the server.
func (s *Server) Close() {
	s.once.Do(func() {
		s.server.CloseClientConnections()
		s.server.Close()
		s.Model.Remove()
	})
}
