package talosapi

import (
	"context"
	"fmt"

	"github.com/cosi-project/runtime/pkg/safe"
	"github.com/siderolabs/talos/pkg/machinery/resources/runtime"
)

// Service is one of Talos's own.
type Service struct {
	Name    string `json:"name"`
	State   string `json:"state"` // as in Running
	Healthy bool   `json:"healthy"`
	Message string `json:"message,omitempty"`
}

// Good tells whether the service does what it should.
func (s Service) Good() bool { return s.Healthy || s.State == "Finished" }

// Services lists the node's services.
func (n *Node) Services(ctx context.Context) ([]Service, error) {
	ctx, cancel := context.WithTimeout(ctx, try)
	defer cancel()
	r, err := n.client.ServiceList(ctx)
	if err != nil {
		return nil, fmt.Errorf("node %s: services: %w", n.Name, err)
	}
	services := []Service{}
	for _, list := range r.GetMessages() {
		for _, s := range list.GetServices() {
			h := s.GetHealth()
			services = append(services, Service{
				Name: s.GetId(), State: s.GetState(), Message: h.GetLastMessage(),
				// A service without a check of its own is as good as running.
				Healthy: s.GetState() == "Running" && (h.GetHealthy() || h == nil || (h.GetUnknown() && s.GetId() != "etcd")),
			})
		}
	}
	return services, nil
}

// Stage is where a node is in its life.
type Stage struct {
	Name  string   `json:"name"` // as in booting or running
	Ready bool     `json:"ready"`
	Unmet []string `json:"unmet"` // what it waits for
}

// Stage asks the node for its MachineStatus.
func (n *Node) Stage(ctx context.Context) (Stage, error) {
	ctx, cancel := context.WithTimeout(ctx, try)
	defer cancel()
	s, err := safe.StateGetByID[*runtime.MachineStatus](ctx, n.client.COSI, runtime.MachineStatusID)
	if err != nil {
		return Stage{}, fmt.Errorf("node %s: machine status: %w", n.Name, err)
	}
	spec := s.TypedSpec()
	stage := Stage{Name: spec.Stage.String(), Ready: spec.Status.Ready, Unmet: []string{}}
	for _, u := range spec.Status.UnmetConditions {
		stage.Unmet = append(stage.Unmet, u.Name+": "+u.Reason)
	}
	return stage, nil
}

// Kubeconfig makes the node give an administrator's kubeconfig, with a new
// certificate.
func (n *Node) Kubeconfig(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, try)
	defer cancel()
	k, err := n.client.Kubeconfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("node %s: kubeconfig: %w", n.Name, err)
	}
	return k, nil
}
