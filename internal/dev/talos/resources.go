package talos

import (
	"context"

	"github.com/cosi-project/runtime/pkg/resource"
	"github.com/cosi-project/runtime/pkg/state"
	"github.com/cosi-project/runtime/pkg/state/impl/inmem"
	"github.com/siderolabs/talos/pkg/machinery/resources/runtime"
)

// resources are the COSI resources of a node: its MachineStatus, as it is when
// it is asked for. It is served by COSI's own server.
type resources struct{ n *Node }

func (r resources) now(ctx context.Context) (state.CoreState, error) {
	n := r.n
	s := runtime.NewMachineStatus()
	n.w.mu.Lock()
	spec := s.TypedSpec()
	spec.Stage, spec.Status.Ready = n.stage, true
	if n.serving {
		spec.Stage = runtime.MachineStageRunning
	}
	if n.controlPlane() && (n.etcd == nil || n.etcd.booting != nil || !n.etcd.healthy()) {
		spec.Stage = runtime.MachineStageBooting
		spec.Status.Ready = false
		spec.Status.UnmetConditions = []runtime.UnmetCondition{{Name: "services", Reason: "etcd"}}
	}
	n.w.mu.Unlock()
	core := inmem.Build(runtime.NamespaceName)
	return core, core.Create(ctx, s)
}

// Get implements state.CoreState.
func (r resources) Get(ctx context.Context, p resource.Pointer, o ...state.GetOption) (resource.Resource, error) {
	s, err := r.now(ctx)
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, p, o...)
}

// The others are refused before they get here.

// List implements state.CoreState.
func (r resources) List(context.Context, resource.Kind, ...state.ListOption) (resource.List, error) {
	return resource.List{}, errReadOnly
}

// Create implements state.CoreState.
func (r resources) Create(context.Context, resource.Resource, ...state.CreateOption) error {
	return errReadOnly
}

// Update implements state.CoreState.
func (r resources) Update(context.Context, resource.Resource, ...state.UpdateOption) error {
	return errReadOnly
}

// Destroy implements state.CoreState.
func (r resources) Destroy(context.Context, resource.Pointer, ...state.DestroyOption) error {
	return errReadOnly
}

// Watch implements state.CoreState.
func (r resources) Watch(context.Context, resource.Pointer, chan<- state.Event, ...state.WatchOption) error {
	return errReadOnly
}

// WatchKind implements state.CoreState.
func (r resources) WatchKind(context.Context, resource.Kind, chan<- state.Event, ...state.WatchKindOption) error {
	return errReadOnly
}

// WatchKindAggregated implements state.CoreState.
func (r resources) WatchKindAggregated(context.Context, resource.Kind, chan<- []state.Event, ...state.WatchKindOption) error {
	return errReadOnly
}
